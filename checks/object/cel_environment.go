package object

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"

	"github.com/k8slab/k8slab/text"
)

const (
	// celCostLimit bounds one expression, in the units of the API server's own limit: about a tenth of a second. See
	// k8s.io/apiserver/pkg/apis/cel.
	celCostLimit = celconfig.PerCallLimit
	// celAssumedSize is how many entries a list or mapping and how many characters a string is taken to have when the
	// cost is estimated. Two loops within each other are affordable with it, and three are not.
	celAssumedSize = 128
)

// newCELEnvironment has the libraries of the API server of release 1.37 and the variables that a check of an object and
// a check of a list share. See variable for the one that differs.
func newCELEnvironment() (*environment.EnvSet, error) {
	since := version.MajorMinor(1, 37)
	return environment.MustBaseEnvSet(since).Extend(environment.VersionedOptions{
		IntroducedVersion: since,
		EnvOptions:        []cel.EnvOption{cel.Variable("baseline", cel.DynType), cel.Variable("now", cel.TimestampType)},
		ProgramOptions:    []cel.ProgramOption{cel.InterruptCheckFrequency(celconfig.CheckFrequency)},
	})
}

// compile returns the check, or all that is wrong with its parameters.
func (p celParams) compile(environment func() (*environment.EnvSet, error)) (*celCheck, error) {
	wrong := []error{p.validate()}
	set, err := environment()
	if err != nil {
		return nil, fmt.Errorf("the CEL environment: %w", err)
	}
	env, err := set.NewExpressionsEnv().Extend(p.variable())
	if err != nil {
		return nil, fmt.Errorf("the CEL environment: %w", err)
	}
	program := func(field, expression string, returns *cel.Type) celProgram {
		compiled, err := compileCEL(env, expression, returns)
		for _, one := range err {
			wrong = append(wrong, fmt.Errorf("%s: %w", field, one))
		}
		return celProgram{field: field, program: compiled}
	}
	c := &celCheck{celParams: p, onStatus: strings.Contains(p.Expression, "status")}
	c.holds = program("expression", p.Expression, cel.BoolType)
	if p.Got != nil {
		c.got = map[text.Lang]celProgram{}
		for _, lang := range text.Langs {
			c.got[lang] = program("got."+string(lang), p.Got.In(lang), cel.StringType)
		}
	}
	if p.Pending != "" {
		pending := program("pending", p.Pending, cel.StringType)
		c.pending = &pending
	}
	return c, errors.Join(wrong...)
}

// variable is the variable of the expressions that depends on whether the check is of an object or of a list.
func (p celParams) variable() cel.EnvOption {
	if p.List != nil {
		return cel.Variable("items", cel.ListType(cel.DynType))
	}
	return cel.Variable("object", cel.DynType)
}

func compileCEL(env *cel.Env, expression string, returns *cel.Type) (cel.Program, []error) {
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		var wrong []error
		for _, e := range issues.Errors() {
			where := fmt.Sprintf("column %d", e.Location.Column()+1)
			if strings.Contains(strings.TrimSpace(expression), "\n") {
				where = fmt.Sprintf("line %d, %s", e.Location.Line(), where)
			}
			wrong = append(wrong, fmt.Errorf("%s (%s of the expression); correct the CEL", strings.ReplaceAll(e.Message, "\n", " "), where))
		}
		return nil, wrong
	}
	if out := ast.OutputType(); !out.IsExactType(returns) && !out.IsExactType(cel.DynType) {
		return nil, []error{fmt.Errorf("it returns a %s; write an expression that returns a %s", out, returns)}
	}
	cost, err := env.EstimateCost(ast, &library.CostEstimator{SizeEstimator: assumedSizes{}})
	if err != nil {
		return nil, []error{fmt.Errorf("its cost cannot be estimated: %w", err)}
	}
	if cost.Max > celCostLimit {
		return nil, []error{fmt.Errorf("with lists of %d entries it costs %s, and the limit is %d; write it with fewer loops within each other",
			celAssumedSize, costText(cost.Max), celCostLimit)}
	}
	program, err := env.Program(ast, cel.CostLimit(celCostLimit))
	if err != nil {
		return nil, []error{fmt.Errorf("it cannot be planned: %w", err)}
	}
	return program, nil
}

func costText(cost uint64) string {
	if cost == math.MaxUint64 {
		return "more than can be counted"
	}
	return fmt.Sprint("up to ", cost)
}

// assumedSizes takes everything to be of the same size, because the types of what is read are not known.
type assumedSizes struct{}

// EstimateSize implements checker.CostEstimator.
func (assumedSizes) EstimateSize(checker.AstNode) *checker.SizeEstimate {
	return &checker.SizeEstimate{Min: 0, Max: celAssumedSize}
}

// EstimateCallCost implements checker.CostEstimator.
func (assumedSizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// celProgram is one compiled expression.
type celProgram struct {
	// field is the parameter that it stands in.
	field   string
	program cel.Program
}

// missingFieldError says that the expression reads what is not there.
type missingFieldError struct{ error }

func (p celProgram) eval(ctx context.Context, variables map[string]any) (ref.Val, error) {
	value, _, err := p.program.ContextEval(ctx, variables)
	if err == nil {
		return value, nil
	}
	if cancelled, ok := errors.AsType[interpreter.EvalCancelledError](err); ok && cancelled.Cause == interpreter.CostLimitExceeded {
		return nil, fmt.Errorf("%s of the check cel/expression costs more than the limit of %d", p.field, celCostLimit)
	}
	// cel-go gives these two errors no type of their own, only a text; see common/types/map.go and
	// interpreter/attributes.go there.
	for _, text := range []string{"no such key", "index out of bounds"} {
		if strings.Contains(err.Error(), text) {
			return nil, missingFieldError{err}
		}
	}
	return nil, fmt.Errorf("%s of the check cel/expression cannot be evaluated: %w", p.field, err)
}

func (p celProgram) boolean(ctx context.Context, variables map[string]any) (bool, error) {
	value, err := p.eval(ctx, variables)
	if err != nil {
		return false, err
	}
	answer, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("%s of the check cel/expression returns a %s, not a bool", p.field, value.Type())
	}
	return bool(answer), nil
}

func (p celProgram) text(ctx context.Context, variables map[string]any) (string, error) {
	value, err := p.eval(ctx, variables)
	if err != nil {
		return "", err
	}
	text, ok := value.(types.String)
	if !ok {
		return "", fmt.Errorf("%s of the check cel/expression returns a %s, not a string", p.field, value.Type())
	}
	return string(text), nil
}
