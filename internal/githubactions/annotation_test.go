package githubactions

import "testing"

func TestAnAnnotationIsOneCommand(t *testing.T) {
	for name, c := range map[string]struct {
		annotation Annotation
		want       string
	}{
		"a place":              {Annotation{File: "01-lab/lab.yaml", Line: 3, Message: "it is empty"}, "::error file=01-lab/lab.yaml,line=3::it is empty"},
		"a column and a title": {Annotation{File: "a", Line: 3, Column: 7, Title: "lab.yaml", Message: "m"}, "::error file=a,line=3,col=7,title=lab.yaml::m"},
		"no place at all":      {Annotation{Message: "m"}, "::error::m"},
		"several lines":        {Annotation{Message: "one\r\ntwo"}, "::error::one%0D%0Atwo"},
		"percent signs first":  {Annotation{Message: "50%0A"}, "::error::50%250A"},
		"what ends a property": {Annotation{File: "a,line=1::b", Title: "50%: x, y", Message: "keep: these, as they are"},
			"::error file=a%2Cline=1%3A%3Ab,title=50%25%3A x%2C y::keep: these, as they are"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.annotation.String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFilesAreNamedFromTheWorkspace(t *testing.T) {
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/w/repo"}
	runner := RunnerOf(func(name string) string { return env[name] })
	if !runner.Active {
		t.Error("the runner is not recognised")
	}
	for _, c := range []struct{ dir, file, want string }{
		{"/w/repo", "lab/lab.yaml", "lab/lab.yaml"},
		{"/w/repo/labs", "lab/lab.yaml", "labs/lab/lab.yaml"},
		{"/w/repo/labs", "../other/lab.yaml", "other/lab.yaml"},
		{"/w/repo", "/w/repo/lab.yaml", "lab.yaml"},
		{"/elsewhere", "lab.yaml", "/elsewhere/lab.yaml"},
	} {
		if got := runner.Path(c.dir, c.file); got != c.want {
			t.Errorf("%s in %s is %s, want %s", c.file, c.dir, got, c.want)
		}
	}
	if none := RunnerOf(func(string) string { return "" }); none.Active || none.Path("/a", "b") != "b" {
		t.Errorf("a machine that is none of theirs is %+v", none)
	}
}
