// Extract writes the environment variables that Istio reads, and the releases that do, beside itself.
//
// It parses Istio's sources, without its tests, for what registers or looks up a variable; it neither compiles nor imports
// any of them. Run it with a clone of Istio's repository, the releases and what stands before them in a branch's name:
//
//	go run lint/istio_env/extract.go ~/src/istio release- 1.30 1.31
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
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// notIstio are folders with programs of Istio's developers.
var notIstio = []string{"pkg/test/", "tests/", "tools/", "samples/"}

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("usage: go run extract.go CLONE PREFIX RELEASE..."))
	}
	// The first and the last release that reads a variable.
	found := map[string][2]string{}
	for _, release := range os.Args[3:] {
		names, err := read(os.Args[1], os.Args[2]+release)
		if err != nil {
			fail(fmt.Errorf("%s: %w", release, err))
		}
		for name := range names {
			first := release
			if before, known := found[name]; known {
				first = before[0]
			}
			found[name] = [2]string{first, release}
		}
	}
	lines := []string{}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		releases, err := json.Marshal(found[name])
		if err != nil {
			fail(err)
		}
		lines = append(lines, fmt.Sprintf("%q:%s", name, releases))
	}
	_, here, _, _ := runtime.Caller(0)
	written := []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(here), "variables.json"), written, 0o644); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "extract:", err)
	os.Exit(1)
}

// read returns the names of the variables that a revision reads.
func read(clone, revision string) (map[string]bool, error) {
	command := exec.Command("git", "-C", clone, "archive", revision)
	command.Stderr = os.Stderr
	archive, err := command.Output()
	if err != nil {
		return nil, err
	}
	files := []*ast.File{}
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return variables(files), nil
		}
		if err != nil {
			return nil, err
		}
		if !isIstio(header.Name) {
			continue
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), header.Name, content, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
}

func isIstio(name string) bool {
	for _, folder := range notIstio {
		if strings.HasPrefix(name, folder) {
			return false
		}
	}
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

func variables(files []*ast.File) map[string]bool {
	constants := map[string]string{}
	for _, file := range files {
		ast.Inspect(file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.ValueSpec); ok {
				for index, value := range spec.Values {
					if text := literal(value); text != "" && index < len(spec.Names) {
						constants[spec.Names[index].Name] = text
					}
				}
			}
			return true
		})
	}
	found := map[string]bool{}
	for _, file := range files {
		ast.Inspect(file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok && len(call.Args) > 0 && looksUp(call.Fun) {
				if name := named(call.Args[0], constants); name != "" {
					found[name] = true
				}
			}
			return true
		})
	}
	return found
}

// looksUp says whether a function gets a variable by the name that is its first argument.
func looksUp(function ast.Expr) bool {
	if generic, ok := function.(*ast.IndexExpr); ok {
		function = generic.X
	}
	selector, ok := function.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := selector.X.(*ast.Ident)
	if !ok {
		return false
	}
	name := selector.Sel.Name
	return from.Name == "env" && strings.HasPrefix(name, "Register") ||
		from.Name == "os" && (name == "Getenv" || name == "LookupEnv")
}

func named(argument ast.Expr, constants map[string]string) string {
	switch argument := argument.(type) {
	case *ast.Ident:
		return constants[argument.Name]
	case *ast.SelectorExpr:
		return constants[argument.Sel.Name]
	}
	return literal(argument)
}

func literal(expression ast.Expr) string {
	text, ok := expression.(*ast.BasicLit)
	if !ok || text.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(text.Value)
	if err != nil {
		return ""
	}
	return value
}
