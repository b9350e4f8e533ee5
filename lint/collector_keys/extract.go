// Extract writes which settings and signals the components of collectors have, into components.json beside itself.
//
// It parses the structs that a component reads its settings into, and those of the modules of the collector that it
// requires; it neither compiles nor imports any of them. The sources come from the module proxy, into Go's module cache.
// Run it with minor versions, the oldest first:
//
//	go run lint/collector_keys/extract.go 0.113 0.124 0.135 0.146 0.158 0.165
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

const (
	// Beside the keys of the items of a list.
	ofList = "[]"
	core    = "go.opentelemetry.io/collector/"
	contrib = "github.com/open-telemetry/opentelemetry-collector-contrib/"
	// A year has about as many releases.
	long = 26
)

// Which components, by the module's folder below core or contrib.
var components = []string{
	core + "connector/forwardconnector",
	core + "exporter/debugexporter",
	core + "exporter/loggingexporter",
	core + "exporter/otlpexporter",
	core + "exporter/otlphttpexporter",
	core + "extension/zpagesextension",
	core + "processor/batchprocessor",
	core + "processor/memorylimiterprocessor",
	core + "receiver/otlpreceiver",
	contrib + "connector/countconnector",
	contrib + "connector/routingconnector",
	contrib + "connector/servicegraphconnector",
	contrib + "connector/spanmetricsconnector",
	contrib + "exporter/awsxrayexporter",
	contrib + "exporter/fileexporter",
	contrib + "exporter/kafkaexporter",
	contrib + "exporter/loadbalancingexporter",
	contrib + "exporter/lokiexporter",
	contrib + "exporter/opensearchexporter",
	contrib + "exporter/prometheusexporter",
	contrib + "exporter/prometheusremotewriteexporter",
	contrib + "exporter/zipkinexporter",
	contrib + "extension/basicauthextension",
	contrib + "extension/bearertokenauthextension",
	contrib + "extension/headerssetterextension",
	contrib + "extension/healthcheckextension",
	contrib + "extension/oauth2clientauthextension",
	contrib + "extension/oidcauthextension",
	contrib + "extension/pprofextension",
	contrib + "extension/storage/filestorage",
	contrib + "processor/attributesprocessor",
	contrib + "processor/cumulativetodeltaprocessor",
	contrib + "processor/deltatocumulativeprocessor",
	contrib + "processor/deltatorateprocessor",
	contrib + "processor/filterprocessor",
	contrib + "processor/groupbyattrsprocessor",
	contrib + "processor/groupbytraceprocessor",
	contrib + "processor/k8sattributesprocessor",
	contrib + "processor/metricsgenerationprocessor",
	contrib + "processor/metricstransformprocessor",
	contrib + "processor/probabilisticsamplerprocessor",
	contrib + "processor/redactionprocessor",
	contrib + "processor/resourcedetectionprocessor",
	contrib + "processor/resourceprocessor",
	contrib + "processor/spanprocessor",
	contrib + "processor/tailsamplingprocessor",
	contrib + "processor/transformprocessor",
	contrib + "receiver/carbonreceiver",
	contrib + "receiver/collectdreceiver",
	contrib + "receiver/dockerstatsreceiver",
	contrib + "receiver/filelogreceiver",
	contrib + "receiver/fluentforwardreceiver",
	contrib + "receiver/hostmetricsreceiver",
	contrib + "receiver/httpcheckreceiver",
	contrib + "receiver/jaegerreceiver",
	contrib + "receiver/journaldreceiver",
	contrib + "receiver/k8sclusterreceiver",
	contrib + "receiver/k8seventsreceiver",
	contrib + "receiver/k8sobjectsreceiver",
	contrib + "receiver/kafkametricsreceiver",
	contrib + "receiver/kafkareceiver",
	contrib + "receiver/kubeletstatsreceiver",
	contrib + "receiver/mongodbreceiver",
	contrib + "receiver/mysqlreceiver",
	contrib + "receiver/nginxreceiver",
	contrib + "receiver/postgresqlreceiver",
	contrib + "receiver/prometheusreceiver",
	contrib + "receiver/rabbitmqreceiver",
	contrib + "receiver/redisreceiver",
	contrib + "receiver/simpleprometheusreceiver",
	contrib + "receiver/skywalkingreceiver",
	contrib + "receiver/statsdreceiver",
	contrib + "receiver/syslogreceiver",
	contrib + "receiver/tcplogreceiver",
	contrib + "receiver/udplogreceiver",
	contrib + "receiver/zipkinreceiver",
}

// Keys has the keys of a struct and what is below each; nil is a value whose keys are not checked. Any key may stand
// where there is only the key "*". A list has the keys of its items.
type Keys map[string]Keys

// component has what any of the releases knows; Until is the first one without a key, by the keys joined with dots.
// Last is the newest one that was read, if that is long ago: newer ones may know more.
type component struct {
	Signals []string          `json:"signals,omitempty"`
	Keys    Keys              `json:"keys"`
	Until   map[string]string `json:"until,omitempty"`
	Last    string            `json:"last,omitempty"`
}

type source struct {
	modules  map[string]string // the folder of each module that is required, by its path
	packages map[string]*pkg
}

// pkg has the types of one package, and by type and name their methods.
type pkg struct {
	name    string
	types   map[string]declared
	methods map[string]map[string]declared
	texts   map[string]string
}

// declared is a type expression or a method, with the file whose imports its names refer to.
type declared struct {
	file  *ast.File
	where string
	expr  ast.Expr
	body  *ast.FuncDecl
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: go run extract.go VERSION..."))
	}
	found := map[string]map[string]*component{}
	for _, version := range os.Args[1:] {
		for _, folder := range download(version, components) {
			record(found, folder, version)
		}
	}
	newest := number(os.Args[len(os.Args)-1])
	for _, kinds := range found {
		for _, one := range kinds {
			if newest-number(one.Last) < long {
				one.Last = ""
			}
		}
	}
	_, here, _, _ := runtime.Caller(0)
	if err := os.WriteFile(filepath.Join(filepath.Dir(here), "components.json"), written(found), 0o644); err != nil {
		fail(err)
	}
}

// number is the second part of a minor version.
func number(version string) int {
	_, written, _ := strings.Cut(version, ".")
	found, err := strconv.Atoi(written)
	if err != nil {
		fail(err)
	}
	return found
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "extract:", err)
	os.Exit(1)
}

// written is JSON with one line for each component.
func written(found map[string]map[string]*component) []byte {
	sections := []string{}
	for _, role := range slices.Sorted(maps.Keys(found)) {
		lines := []string{}
		for _, kind := range slices.Sorted(maps.Keys(found[role])) {
			line, err := json.Marshal(found[role][kind])
			if err != nil {
				fail(err)
			}
			lines = append(lines, fmt.Sprintf("%q:%s", kind, line))
		}
		sections = append(sections, fmt.Sprintf("%q:{\n%s\n}", role, strings.Join(lines, ",\n")))
	}
	return []byte("{\n" + strings.Join(sections, ",\n") + "\n}\n")
}

type downloaded struct{ Path, Version, Dir, GoMod, Zip, Error string }

// download returns the folders of these modules, each in the first patch of a minor version that the proxy has; those
// that are not there (any more) are left out.
func download(version string, modules []string) []downloaded {
	found := []downloaded{}
	for patch := 0; patch < 3; patch++ {
		wanted := []string{}
		for _, module := range modules {
			is := func(one downloaded) bool { return one.Path == module }
			if !slices.ContainsFunc(found, is) {
				wanted = append(wanted, fmt.Sprintf("%s@v%s.%d", module, version, patch))
			}
		}
		found = append(found, fetch(wanted)...)
	}
	return found
}

func fetch(wanted []string) []downloaded {
	if len(wanted) == 0 {
		return nil
	}
	command := exec.Command("go", append([]string{"mod", "download", "-json"}, wanted...)...)
	command.Dir = os.TempDir()
	output, _ := command.Output() // It fails if one of them does, and says which one.
	found := []downloaded{}
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); {
		var one downloaded
		if err := decoder.Decode(&one); err != nil {
			fail(err)
		}
		// A module for a newer Go is brought, and then refused: nothing of it is compiled here.
		if one.Dir == "" && one.Zip != "" {
			cache, _, _ := strings.Cut(one.Zip, "/cache/download/")
			one.Dir = filepath.Join(cache, one.Path+"@"+one.Version)
		}
		if one.Dir != "" {
			found = append(found, one)
		}
	}
	return found
}

var (
	required = regexp.MustCompile(`(?m)^\s*(?:require )?(\S+) (v\S+)`)
	kind     = regexp.MustCompile(`(?m)^type: (\S+)`)
	older    = regexp.MustCompile(`(?m)^deprecated_type: (\S+)`)
	class    = regexp.MustCompile(`(?m)^\s+class: (\S+)`)
	signals  = regexp.MustCompile(`\b(traces|metrics|logs|profiles)(?:_to_\w+)?\b`)
	levels   = regexp.MustCompile(`(?m)^\s+(?:development|alpha|beta|stable|deprecated|unmaintained): *\[([^\]]*)\]`)
)

func record(found map[string]map[string]*component, module downloaded, version string) {
	metadata, err := os.ReadFile(filepath.Join(module.Dir, "metadata.yaml"))
	if err != nil {
		fail(err)
	}
	requirements, err := os.ReadFile(module.GoMod)
	if err != nil {
		fail(err)
	}
	s := &source{modules: map[string]string{module.Path: module.Dir}, packages: map[string]*pkg{}}
	wanted := []string{}
	for _, match := range required.FindAllSubmatch(requirements, -1) {
		name := string(match[1])
		if (strings.HasPrefix(name, core) || strings.HasPrefix(name, contrib)) && name != module.Path {
			wanted = append(wanted, name+"@"+string(match[2]))
		}
	}
	for _, one := range fetch(wanted) {
		s.modules[one.Path] = one.Dir
	}
	keys := s.named(module.Path, "Config", nil)
	role := string(class.FindSubmatch(metadata)[1]) + "s"
	names := []string{string(kind.FindSubmatch(metadata)[1])}
	if match := older.FindSubmatch(metadata); match != nil {
		names = append(names, string(match[1]))
	}
	takes := []string{}
	for _, level := range levels.FindAllSubmatch(metadata, -1) {
		for _, signal := range signals.FindAllSubmatch(level[1], -1) {
			takes = append(takes, string(signal[1]))
		}
	}
	for _, name := range names {
		if found[role] == nil {
			found[role] = map[string]*component{}
		}
		before := found[role][name]
		if before == nil {
			before = &component{Until: map[string]string{}}
			found[role][name] = before
		} else if before.Keys != nil {
			gone(before.Until, before.Keys, keys, "", version)
		}
		before.Keys = union(before.Keys, keys)
		before.Last = version
		before.Signals = slices.Compact(slices.Sorted(slices.Values(append(before.Signals, takes...))))
	}
}

// gone notes the keys that are not there any more, and forgets those that are there again.
func gone(until map[string]string, before, now Keys, above, version string) {
	for key, below := range before {
		full := above + key
		if _, ok := now[key]; !ok && now != nil {
			if until[full] == "" {
				until[full] = version
			}
			continue
		}
		delete(until, full)
		gone(until, below, now[key], full+".", version)
	}
}

// union has the keys of both; what one of them does not check is not checked.
func union(one, other Keys) Keys {
	if one == nil || other == nil {
		return other
	}
	both := maps.Clone(one)
	for key, below := range other {
		if known, ok := both[key]; ok && (known == nil || below == nil) {
			both[key] = nil
			continue
		}
		both[key] = union(both[key], below)
	}
	return both
}

// folder returns where a package is: in the module with the longest path that it begins with.
func (s *source) folder(importPath string) string {
	for name := importPath; name != "."; name = path.Dir(name) {
		if folder, ok := s.modules[name]; ok {
			return filepath.Join(folder, strings.TrimPrefix(importPath, name))
		}
	}
	return ""
}

// load parses the package with this import path; it is empty if it is none of the collector's.
func (s *source) load(importPath string) *pkg {
	if known := s.packages[importPath]; known != nil {
		return known
	}
	found := &pkg{
		name:    path.Base(importPath),
		types:   map[string]declared{},
		methods: map[string]map[string]declared{},
		texts:   map[string]string{},
	}
	s.packages[importPath] = found
	folder := s.folder(importPath)
	if folder == "" {
		return found
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		fail(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
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
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				p.types[spec.Name.Name] = declared{file: file, where: importPath, expr: spec.Type}
			case *ast.ValueSpec:
				for index, name := range spec.Names {
					if index < len(spec.Values) {
						if value, ok := literal(spec.Values[index]); ok {
							p.texts[name.Name] = value
						}
					}
				}
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

func literal(expr ast.Expr) (string, bool) {
	value, ok := expr.(*ast.BasicLit)
	if !ok || value.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(value.Value)
	return text, err == nil
}

// named returns the keys of a type with a name; above are the types around it, as a type may contain itself.
func (s *source) named(importPath, name string, above []string) Keys {
	full := importPath + "." + name
	if slices.Contains(above, full) {
		return nil
	}
	found := s.load(importPath)
	if _, ok := found.methods[name]["UnmarshalText"]; ok {
		return nil
	}
	declaration, ok := found.types[name]
	if !ok {
		return nil
	}
	keys := s.keys(declaration.expr, declaration, append(above, full))
	method, ok := found.methods[name]["Unmarshal"]
	if !ok || keys == nil {
		return keys
	}
	if _, isStruct := declaration.expr.(*ast.StructType); !isStruct {
		return nil
	}
	return s.unmarshalled(keys, method)
}

// unmarshalled adds the keys that a method Unmarshal looks for by itself. One that reads the whole as something else
// knows more than can be told.
func (s *source) unmarshalled(keys Keys, method declared) Keys {
	found, opaque := maps.Clone(keys), false
	texts := s.load(method.where).texts
	ast.Inspect(method.body.Body, func(node ast.Node) bool {
		called, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := called.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch selector.Sel.Name {
		case "WithIgnoreUnused", "ToStringMap", "AllKeys":
			opaque = true
		case "Sub", "Get", "IsSet", "Delete":
			for _, argument := range called.Args {
				text, ok := literal(argument)
				if name, isName := argument.(*ast.Ident); isName {
					text, ok = texts[name.Name], true
				}
				key, _, _ := strings.Cut(text, "::")
				if _, known := found[key]; ok && key != "" && !known {
					found[key] = nil
				}
			}
		}
		return true
	})
	if opaque {
		return nil
	}
	return found
}

// keys returns the keys of a type as it is written in a file.
func (s *source) keys(expr ast.Expr, in declared, above []string) Keys {
	switch expr := expr.(type) {
	case *ast.StarExpr:
		return s.keys(expr.X, in, above)
	case *ast.ParenExpr:
		return s.keys(expr.X, in, above)
	case *ast.ArrayType:
		if below := s.keys(expr.Elt, in, above); below != nil {
			return union(below, Keys{ofList: nil})
		}
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
	case *ast.IndexExpr:
		// An optional value, configoptional.Optional[T], is written as the value, and may be switched off.
		if selector, ok := expr.X.(*ast.SelectorExpr); ok && selector.Sel.Name == "Optional" {
			if below := s.keys(expr.Index, in, above); below != nil {
				return union(below, Keys{"enabled": nil})
			}
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

// fields reads tags as github.com/go-viper/mapstructure/v2 does, which tells capitals and small letters apart here.
func (s *source) fields(structure *ast.StructType, in declared, above []string) Keys {
	found := Keys{}
	for _, field := range structure.Fields.List {
		key, options := "", []string{}
		if field.Tag != nil {
			tag, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				fail(err)
			}
			parts := strings.Split(reflect.StructTag(tag).Get("mapstructure"), ",")
			key, options = parts[0], parts[1:]
		}
		if key == "-" {
			continue
		}
		if slices.Contains(options, "remain") {
			return nil
		}
		below := s.keys(field.Type, in, above)
		if slices.Contains(options, "squash") {
			if below == nil {
				return nil
			}
			maps.Copy(found, below)
			continue
		}
		for _, name := range names(field) {
			switch {
			case !ast.IsExported(name):
			case key != "":
				found[key] = below
			default:
				found[name] = below
			}
		}
	}
	// What hides everything from other packages is read by a method that is not looked at.
	if len(found) == 0 && len(structure.Fields.List) > 0 {
		return nil
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
