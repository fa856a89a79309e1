package verify

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/k8slab/k8slab/text"
)

// nearMiss is the solution's effects done almost right.
type nearMiss struct {
	// id is the same in every run: a kind, and what is wrong, such as "off-by-one/deployment/shop/web/spec.replicas".
	id   string
	does text.Text
	// rounds are done one after the other; the cluster settles after each.
	rounds [][]move
}

// move makes an object what it is meant to be.
type move struct {
	effect
	// to is what it becomes; nil removes it.
	to *unstructured.Unstructured
	// anew: it is deleted first.
	anew bool
}

// right is the effect done as the solution does it.
func (e effect) right() move { return move{effect: e, to: e.after, anew: e.replaced} }

// nearMisses derives what is almost the solution. "Nothing done" is not among them: it is an answer of every step.
func nearMisses(all []effect) []nearMiss {
	if len(all) == 0 {
		return nil
	}
	var found []nearMiss
	add := func(id, en, ja string, rounds ...[]move) {
		found = append(found, nearMiss{id: id, does: text.Text{EN: en, JA: ja}, rounds: rounds})
	}
	if moves, ok := elsewhere(all); ok {
		add("wrong-namespace", "the right change, in another namespace", "正しい変更を別の Namespace に加える", moves)
	}
	for i, e := range all {
		id, name := e.id(), strings.ToLower(e.object().GetKind())+"/"+e.object().GetName()
		if len(all) > 1 {
			add("without/"+id, "everything but the change to "+name, name+" だけ変更しない", except(all, i))
		}
		if len(all) > 2 {
			add("only/"+id, "the change to "+name+" and nothing else", name+" だけを変更する", []move{e.right()})
		}
		if e.before == nil || e.after == nil {
			continue
		}
		add("deleted/"+id, name+" is deleted instead of changed", name+" を変更せずに削除する", with(all, i, move{effect: e}))
		if !e.replaced {
			add("recreated/"+id, name+" is deleted and created again, as it should be", name+" を削除し、正しい内容で作り直す", with(all, i, move{effect: e, to: e.after, anew: true}))
		}
		for _, off := range offByOne(e) {
			add("off-by-one/"+id+"/"+off.field, fmt.Sprintf("%s of %s is %s instead of %s", off.field, name, off.value, off.right),
				fmt.Sprintf("%s の %s を %s ではなく %s にする", name, off.field, off.right, off.value), with(all, i, move{effect: e, to: off.object, anew: e.replaced}))
		}
	}
	add("reverted", "everything is done, and then undone", "すべて変更したあとで元に戻す", except(all, -1), undone(all))
	return found
}

func except(all []effect, leave int) []move {
	var moves []move
	for i, e := range all {
		if i != leave {
			moves = append(moves, e.right())
		}
	}
	return moves
}

// with does everything right but one.
func with(all []effect, i int, wrong move) []move {
	moves := except(all, -1)
	moves[i] = wrong
	return moves
}

func undone(all []effect) []move {
	var moves []move
	for _, e := range slices.Backward(all) {
		moves = append(moves, move{effect: e, to: e.before})
	}
	return moves
}

// elsewhere does what is cluster-wide right and puts copies of what is namespaced into another namespace. It reports
// false where nothing is.
func elsewhere(all []effect) (moves []move, ok bool) {
	for _, e := range all {
		if e.object().GetNamespace() == "" {
			moves = append(moves, e.right())
			continue
		}
		if e.after == nil {
			continue
		}
		ok = true
		other := metav1.NamespaceDefault
		if e.after.GetNamespace() == other {
			other = metav1.NamespacePublic
		}
		copied := e.after.DeepCopy()
		copied.SetNamespace(other)
		moves = append(moves, move{effect: effect{resource: e.resource, after: copied}, to: copied})
	}
	return moves, ok
}

// off is an object with one number that is not quite right.
type off struct {
	field, value, right string
	object              *unstructured.Unstructured
}

// offByOne finds the numbers that the solution changed. A number that changed by one has no value in between.
func offByOne(e effect) []off {
	var found []off
	walk(e.before.Object, e.after.Object, nil, func(path []string, was, is any) {
		value, ok := towards(was, is)
		if !ok {
			return
		}
		object := e.after.DeepCopy()
		if set(object.Object, path, value) {
			found = append(found, off{field: strings.Join(path, "."), value: fmt.Sprint(value), right: fmt.Sprint(is), object: object})
		}
	})
	return found
}

// walk calls f for every leaf that both have.
func walk(was, is any, path []string, f func(path []string, was, is any)) {
	switch b := is.(type) {
	case map[string]any:
		a, _ := was.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(b)) {
			if old, both := a[key]; both {
				walk(old, b[key], append(slices.Clone(path), key), f)
			}
		}
	case []any:
		a, _ := was.([]any)
		for i := range min(len(a), len(b)) {
			walk(a[i], b[i], append(slices.Clone(path), strconv.Itoa(i)), f)
		}
	default:
		f(path, was, is)
	}
}

// towards returns the number next to is on the way back to was: of integers, and of percentages.
func towards(was, is any) (any, bool) {
	switch is := is.(type) {
	case int64:
		was, ok := was.(int64)
		return between(was, is), ok && between(was, is) != was
	case string:
		was, _ := was.(string)
		a, errA := strconv.ParseInt(strings.TrimSuffix(was, "%"), 10, 64)
		b, errB := strconv.ParseInt(strings.TrimSuffix(is, "%"), 10, 64)
		if errA != nil || errB != nil || !strings.HasSuffix(was, "%") || !strings.HasSuffix(is, "%") || between(a, b) == a {
			return nil, false
		}
		return fmt.Sprintf("%d%%", between(a, b)), true
	}
	return nil, false
}

// between is one step from is towards was, and was itself where there is nothing between.
func between(was, is int64) int64 {
	switch {
	case is > was:
		return is - 1
	case is < was:
		return is + 1
	}
	return was
}

// set replaces a leaf that is there.
func set(in any, path []string, value any) bool {
	switch node := in.(type) {
	case map[string]any:
		if len(path) == 1 {
			node[path[0]] = value
			return true
		}
		return set(node[path[0]], path[1:], value)
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(node) {
			return false
		}
		if len(path) == 1 {
			node[i] = value
			return true
		}
		return set(node[i], path[1:], value)
	}
	return false
}
