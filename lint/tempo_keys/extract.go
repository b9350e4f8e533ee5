// Extract writes the keys of Tempo's configuration, one file for each version, beside itself.
//
// It parses the structs that Tempo reads its configuration into, and those of the modules in Tempo's vendor folder; it
// neither compiles nor imports any of them. Run it with a clone of Tempo's repository and the versions:
//
//	go run lint/tempo_keys/extract.go ~/src/tempo 2.10.8 3.0.3
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/grafana/tempo"

// Keys has the keys of a struct and what is below each; nil is a value whose keys are not checked. Any key may stand
// where there is only the key "*". A list has the keys of its items.
type Keys map[string]Keys

type source struct {
	files    map[string][]byte
	packages map[string]*pkg
}

// pkg has the types of one package, and by type and name their methods.
type pkg struct {
	name    string
	types   map[string]declared
	methods map[string]map[string]declared
}

// declared is a type expression or a method, with the file whose imports its names refer to.
type declared struct {
	file  *ast.File
	where string
	expr  ast.Expr
	body  *ast.FuncDecl
}

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: go run extract.go CLONE VERSION..."))
	}
	_, here, _, _ := runtime.Caller(0)
	for _, version := range os.Args[2:] {
		files, err := read(os.Args[1], "v"+version)
		if err != nil {
			fail(fmt.Errorf("%s: %w", version, err))
		}
		src := &source{files: files, packages: map[string]*pkg{}}
		root := src.named(module+"/cmd/tempo/app", "Config", nil)
		if root == nil {
			fail(fmt.Errorf("%s: no struct app.Config", version))
		}
		name := filepath.Join(filepath.Dir(here), version+".json")
		if err := os.WriteFile(name, written(root), 0o644); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "extract:", err)
	os.Exit(1)
}

// written is JSON with one line for each key at the top.
func written(root Keys) []byte {
	lines := []string{}
	for _, key := range slices.Sorted(maps.Keys(root)) {
		below, err := json.Marshal(root[key])
		if err != nil {
			fail(err)
		}
		lines = append(lines, fmt.Sprintf("%q:%s", key, below))
	}
	return []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n")
}

// read returns the Go files of a tag, without tests, by their path.
func read(clone, tag string) (map[string][]byte, error) {
	command := exec.Command("git", "-C", clone, "archive", tag, "cmd/tempo", "modules", "pkg", "tempodb", "vendor/github.com")
	command.Stderr = os.Stderr
	archive, err := command.Output()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(header.Name, ".go") && !strings.HasSuffix(header.Name, "_test.go") {
			if files[header.Name], err = io.ReadAll(reader); err != nil {
				return nil, err
			}
		}
	}
}

// load parses the package with this import path; it is empty if it is neither Tempo's nor vendored.
func (s *source) load(importPath string) *pkg {
	if known := s.packages[importPath]; known != nil {
		return known
	}
	found := &pkg{name: path.Base(importPath), types: map[string]declared{}, methods: map[string]map[string]declared{}}
	s.packages[importPath] = found
	folder := "vendor/" + importPath
	if importPath == module || strings.HasPrefix(importPath, module+"/") {
		folder = strings.TrimPrefix(importPath, module+"/")
	}
	for name, content := range s.files {
		if path.Dir(name) != folder {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.SkipObjectResolution)
		if err != nil {
			fail(err)
		}
		found.name = file.Name.Name
		for _, declaration := range file.Decls {
			found.add(declaration, file, importPath)
		}
	}
	return found
}

func (p *pkg) add(declaration ast.Decl, file *ast.File, importPath string) {
	switch declaration := declaration.(type) {
	case *ast.GenDecl:
		for _, spec := range declaration.Specs {
			if spec, ok := spec.(*ast.TypeSpec); ok {
				p.types[spec.Name.Name] = declared{file: file, where: importPath, expr: spec.Type}
			}
		}
	case *ast.FuncDecl:
		if declaration.Recv == nil || declaration.Body == nil {
			return
		}
		receiver := declaration.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if name, ok := receiver.(*ast.Ident); ok {
			if p.methods[name.Name] == nil {
				p.methods[name.Name] = map[string]declared{}
			}
			p.methods[name.Name][declaration.Name.Name] = declared{file: file, where: importPath, body: declaration}
		}
	}
}

// named returns the keys of a type with a name; above are the types around it, as a type may contain itself.
func (s *source) named(importPath, name string, above []string) Keys {
	full := importPath + "." + name
	if slices.Contains(above, full) {
		return nil
	}
	found := s.load(importPath)
	methods := found.methods[name]
	if method, ok := methods["UnmarshalYAML"]; ok {
		return s.unmarshalled(method, name, append(above, full))
	}
	if _, ok := methods["UnmarshalText"]; ok {
		return nil
	}
	declaration, ok := found.types[name]
	if !ok {
		return nil
	}
	return s.keys(declaration.expr, declaration, append(above, full))
}

// unmarshalled returns the keys that a method UnmarshalYAML accepts: those of everything that it reads the YAML into.
func (s *source) unmarshalled(method declared, receiver string, above []string) Keys {
	types := map[string]ast.Expr{}
	variables := map[string]ast.Expr{}
	var union Keys
	known := true
	ast.Inspect(method.body.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.TypeSpec:
			types[node.Name.Name] = node.Type
		case *ast.ValueSpec:
			for _, name := range node.Names {
				variables[name.Name] = node.Type
			}
		case *ast.CallExpr:
			if called, ok := node.Fun.(*ast.Ident); !ok || called.Name != "unmarshal" || len(node.Args) != 1 {
				return true
			}
			keys := s.target(node.Args[0], types, variables, method, above)
			known = known && keys != nil
			union = merged(union, keys)
		}
		return true
	})
	if !known {
		return nil
	}
	return union
}

// target returns the keys of what is read into, `(*plain)(c)` or `&variable`.
func (s *source) target(
	argument ast.Expr, types, variables map[string]ast.Expr, method declared, above []string,
) Keys {
	var target ast.Expr
	switch argument := argument.(type) {
	case *ast.CallExpr:
		if parens, ok := argument.Fun.(*ast.ParenExpr); ok {
			if star, ok := parens.X.(*ast.StarExpr); ok {
				target = star.X
			}
		}
	case *ast.UnaryExpr:
		if variable, ok := argument.X.(*ast.Ident); ok {
			target = variables[variable.Name]
		}
	}
	for {
		name, ok := target.(*ast.Ident)
		if !ok {
			break
		}
		if local, ok := types[name.Name]; ok {
			target = local
			continue
		}
		// Without its method, or that would be called again.
		if declaration, ok := s.load(method.where).types[name.Name]; ok {
			return s.keys(declaration.expr, declaration, above)
		}
		return nil
	}
	if target == nil {
		return nil
	}
	return s.keys(target, method, above)
}

// keys returns the keys of a type as it is written in a file.
func (s *source) keys(expr ast.Expr, in declared, above []string) Keys {
	switch expr := expr.(type) {
	case *ast.StarExpr:
		return s.keys(expr.X, in, above)
	case *ast.ParenExpr:
		return s.keys(expr.X, in, above)
	case *ast.ArrayType:
		return s.keys(expr.Elt, in, above)
	case *ast.MapType:
		if below := s.keys(expr.Value, in, above); below != nil {
			return Keys{"*": below}
		}
	case *ast.Ident:
		return s.named(in.where, expr.Name, above)
	case *ast.SelectorExpr:
		if name, ok := expr.X.(*ast.Ident); ok {
			return s.named(s.imported(in.file, name.Name), expr.Sel.Name, above)
		}
	case *ast.StructType:
		return s.fields(expr, in, above)
	}
	return nil
}

func (s *source) imported(file *ast.File, name string) string {
	for _, spec := range file.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			fail(err)
		}
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && s.load(importPath).name == name {
			return importPath
		}
	}
	return ""
}

// fields reads tags as gopkg.in/yaml.v2 does.
func (s *source) fields(structure *ast.StructType, in declared, above []string) Keys {
	found := Keys{}
	for _, field := range structure.Fields.List {
		key, inline := "", false
		if field.Tag != nil {
			tag, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				fail(err)
			}
			tag = reflect.StructTag(tag).Get("yaml")
			if tag == "-" {
				continue
			}
			options := strings.Split(tag, ",")
			key = options[0]
			for _, option := range options[1:] {
				inline = inline || option == "inline"
			}
		}
		below := s.keys(field.Type, in, above)
		if inline {
			// A map with all other keys holds extensions of other builds: Tempo itself refuses any
			// (modules/overrides/extension.go).
			if _, isMap := field.Type.(*ast.MapType); isMap {
				continue
			}
			if below == nil {
				return nil
			}
			found = merged(found, below)
			continue
		}
		for _, name := range names(field) {
			switch {
			case !ast.IsExported(name):
			case key != "":
				found[key] = below
			default:
				found[strings.ToLower(name)] = below
			}
		}
	}
	return found
}

func names(field *ast.Field) []string {
	if len(field.Names) == 0 {
		embedded := field.Type
		if star, ok := embedded.(*ast.StarExpr); ok {
			embedded = star.X
		}
		switch embedded := embedded.(type) {
		case *ast.Ident:
			return []string{embedded.Name}
		case *ast.SelectorExpr:
			return []string{embedded.Sel.Name}
		}
		return nil
	}
	found := []string{}
	for _, name := range field.Names {
		found = append(found, name.Name)
	}
	return found
}

func merged(one, other Keys) Keys {
	both := Keys{}
	for _, keys := range []Keys{one, other} {
		for key, below := range keys {
			both[key] = below
		}
	}
	return both
}
