// Prints what the published schema does not say of the Go types of the Kubernetes API, read by reflection: which fields are pointers,
// which zeros JSON shows all the same, and what named types are called. Run by hand when the version of Kubernetes changes:
//
//	go mod tidy && go run . > ../../../src/api/schema/gen/go-fields.json
//
// For each type its fields, joined by `;`, as `name marks type`: `*` a pointer, `!` plain and never left out of JSON; the type only
// where its name is not that of the schema. Fields with nothing to say are not listed: they are plain and left out when zero.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	apidiscoveryv2beta1 "k8s.io/api/apidiscovery/v2beta1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1beta1 "k8s.io/apimachinery/pkg/apis/meta/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

func main() {
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme,
		apidiscoveryv2.AddToScheme, apidiscoveryv2beta1.AddToScheme, metav1.AddMetaToScheme, metav1beta1.AddMetaToScheme} {
		if err := add(all); err != nil {
			panic(err)
		}
	}
	structs := map[string]string{}
	for _, known := range all.AllKnownTypes() {
		walk(known, structs)
	}
	walk(reflect.TypeOf(runtime.Unknown{}), structs)
	names := make([]string, 0, len(structs))
	for name := range structs {
		if structs[name] != "" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	var out strings.Builder
	out.WriteString("{\n")
	for i, name := range names {
		text, _ := json.Marshal(structs[name])
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		fmt.Fprintf(&out, "%q:%s%s\n", name, text, comma)
	}
	out.WriteString("}\n")
	os.Stdout.WriteString(out.String())
}

// Types with a JSON form of their own: their fields are nobody's business.
var opaque = map[string]bool{
	"Time": true, "MicroTime": true, "Duration": true, "FieldsV1": true, "RawExtension": true, "Quantity": true, "IntOrString": true, "JSON": true,
}

func walk(t reflect.Type, structs map[string]string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		walk(t.Elem(), structs)
		return
	case reflect.Struct:
	default:
		return
	}
	if !strings.HasPrefix(t.PkgPath(), "k8s.io/") || opaque[t.Name()] {
		return
	}
	name := "io.k8s" + strings.ReplaceAll(strings.TrimPrefix(t.PkgPath(), "k8s.io"), "/", ".") + "." + t.Name()
	if _, done := structs[name]; done {
		return
	}
	structs[name] = ""
	structs[name] = strings.Join(fieldsOf(t, structs), ";")
}

// The fields as JSON has them: those of embedded types without a name stand in the type itself.
func fieldsOf(t reflect.Type, structs map[string]string) []string {
	var fields []string
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		walk(field.Type, structs)
		if strings.Contains(options, "inline") || (field.Anonymous && name == "") {
			if field.Type.Name() != "TypeMeta" {
				fields = append(fields, fieldsOf(field.Type, structs)...)
			}
			continue
		}
		if name == "" {
			// A type that writes its own JSON: its message calls the field so.
			name = strings.ToLower(field.Name[:1]) + field.Name[1:]
		}
		if text := factsOf(name, options, field.Type); text != "" {
			fields = append(fields, text)
		}
	}
	return fields
}

func factsOf(name, options string, t reflect.Type) string {
	marks := ""
	if t.Kind() == reflect.Pointer {
		marks, t = "*", t.Elem()
	} else if !strings.Contains(options, "omitzero") && (t.Kind() == reflect.Struct || !strings.Contains(options, "omitempty")) {
		marks = "!"
	}
	goType := ""
	if t.Kind() != reflect.Struct && isRenamed(t) {
		goType = strings.ReplaceAll(t.String(), " ", "")
	}
	if marks == "" && goType == "" {
		return ""
	}
	return strings.TrimSpace(name + " " + marks + " " + goType)
}

// Whether the type, or what it is made of, is a scalar or a collection with a name of its own.
func isRenamed(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice:
		return t.Name() != "" || isRenamed(t.Elem())
	case reflect.Map:
		return t.Name() != "" || isRenamed(t.Elem()) || isRenamed(t.Key())
	case reflect.Struct, reflect.Interface:
		return false
	default:
		return t.PkgPath() != ""
	}
}
