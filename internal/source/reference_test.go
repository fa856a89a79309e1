package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAReferenceIsReadAndWrittenBack(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"labs/11-first", "bare.git/objects", "bare.git/refs", "a@b/bare.git/objects", "a@b/bare.git/refs"} {
		if err := os.MkdirAll(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bare.git/HEAD", "a@b/bare.git/HEAD"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		text string
		want Reference
	}{
		{"https://example.com/course", Reference{Location: "https://example.com/course"}},
		{"https://example.com:8443/a/course.git@v1.2//path/to/labs", Reference{Location: "https://example.com:8443/a/course.git", Ref: "v1.2", Subdir: "path/to/labs"}},
		{"https://example.com/course//labs/", Reference{Location: "https://example.com/course", Subdir: "labs"}},
		{"https://example.com/course@feature/new-labs", Reference{Location: "https://example.com/course", Ref: "feature/new-labs"}},
		{"HTTPS://example.com/course/", Reference{Location: "https://example.com/course"}},
		{"ssh://git@example.com/course.git@main//labs", Reference{Location: "ssh://git@example.com/course.git", Ref: "main", Subdir: "labs"}},
		{"git@example.com:team/course.git", Reference{Location: "git@example.com:team/course.git"}},
		{"git@example.com:team/course.git@v1//labs", Reference{Location: "git@example.com:team/course.git", Ref: "v1", Subdir: "labs"}},
		{"git@example.com:/srv/course.git", Reference{Location: "git@example.com:/srv/course.git"}},
		{"file:///srv/course.git@v1//labs", Reference{Location: "file:///srv/course.git", Ref: "v1", Subdir: "labs"}},
		{"file:///srv/a%40b.git", Reference{Location: "file:///srv/a%40b.git"}},
		{"./bare.git", Reference{Location: "file://" + dir + "/bare.git"}},
		{"./bare.git@main//labs", Reference{Location: "file://" + dir + "/bare.git", Ref: "main", Subdir: "labs"}},
		{"a@b/bare.git@main", Reference{Location: "file://" + dir + "/a%40b/bare.git", Ref: "main"}},
		{"labs", Reference{Location: dir + "/labs", Folder: true}},
		{"./labs//11-first", Reference{Location: dir + "/labs/11-first", Folder: true}},
		{"./labs@main", Reference{Location: "file://" + dir + "/labs", Ref: "main"}},
		{dir, Reference{Location: dir, Folder: true}},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			again, err := parseStored(got.String())
			if err != nil || again != got {
				t.Errorf("%s is read back as %+v, %v", got, again, err)
			}
		})
	}
}

func TestAMalformedReferenceIsRefusedWithItsReason(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                           "it is empty",
		"https://":                                   "there is no host",
		"https:///course":                            "there is no host",
		"https://example.com":                        "there is no repository after the host",
		"https://example.com/":                       "there is no repository after the host",
		"https://example.com//labs":                  "there is no repository after the host",
		"https://example.com:port/course":            "there is no host",
		"https://example.com/course@":                `"" is not a branch, a tag or a commit`,
		"https://example.com/course@a..b":            `"a..b" is not a branch, a tag or a commit`,
		"https://example.com/course@-x":              `"-x" is not a branch, a tag or a commit`,
		"https://example.com/course@--upload-pack=x": `is not a branch, a tag or a commit`,
		"https://example.com/course//":               "is not a folder in a repository",
		"https://example.com/course//..":             "is not a folder in a repository",
		"https://example.com/course//a/../../b":      "is not a folder in a repository",
		"https://example.com/course///etc":           "is not a folder in a repository",
		"https://example.com/course//.git/hooks":     "labs cannot be inside .git",
		"https://example.com/course?ref=v1":          "is written as @REF",
		"https://example.com/course#v1":              "is written as @REF",
		"http://example.com/course":                  "http:// lets others change what is fetched",
		"git://example.com/course":                   "git:// lets others change what is fetched",
		"ftp://example.com/course":                   "there is no way to fetch ftp://",
		"ext::sh -c id":                              "is neither a folder, nor a repository",
		"git@example.com:":                           "there is no repository after the host",
		"file://course.git":                          "needs an absolute path",
		"file:///a%zz":                               "a percent sign is written as %25",
		"./nowhere":                                  "is neither a folder, nor a repository",
		"file":                                       "it is a file",
		`C:\labs`:                                    "a control character or a backslash",
		"labs\x1b[31m":                               "a control character or a backslash",
		"labs\x00":                                   "a control character or a backslash",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := Parse(text)
			wantError(t, err, want)
		})
	}
}

func TestAnAddressWithASecretIsRefusedAndNeverRepeated(t *testing.T) {
	t.Chdir(t.TempDir())
	const secret = "hunter2"
	for _, text := range []string{
		"https://mia:" + secret + "@example.com/course",
		"https://" + secret + "@example.com/course",
		"http://mia:" + secret + "@example.com/course",
		"ftp://mia:" + secret + "@example.com/course",
		"ssh://git:" + secret + "@example.com/course",
		"git:" + secret + "@example.com:course",
		"mia:" + secret + "@example.com/course",
		"https://mia:pa/" + secret + "@example.com/course",
	} {
		_, err := Parse(text)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", strings.ReplaceAll(text, secret, "…"), err)
		}
	}
}

func TestAFolderWithAWorkTreeIsReadAsItIs(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".git", "objects"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := Parse(dir)
	if err != nil || !r.Folder {
		t.Errorf("got %+v, %v", r, err)
	}
}
