package kubelet

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
)

// environment is what a command in a container can find out about where it runs.
type environment struct {
	hostname string
	// vars are NAME=value, as the container's spec gives them.
	vars []string
	user *corev1.LinuxContainerUser
	host hostFiles
}

func podEnvironment(pod *corev1.Pod, c container) environment {
	hostname := pod.Spec.Hostname
	if hostname == "" {
		hostname = pod.Name
	}
	if pod.Spec.HostNetwork {
		hostname = pod.Spec.NodeName
	}
	vars := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + hostname}
	for _, v := range c.Env {
		if value, ok := variable(pod, v); ok {
			vars = append(vars, v.Name+"="+value)
		}
	}
	return environment{hostname: hostname, vars: append(vars, "HOME=/root"), user: linuxUser(pod, c.Container)}
}

// variable returns a variable's value; those from ConfigMaps and Secrets are not read.
func variable(pod *corev1.Pod, v corev1.EnvVar) (string, bool) {
	if v.ValueFrom == nil {
		return v.Value, true
	}
	if v.ValueFrom.FieldRef == nil {
		return "", false
	}
	values := map[string]string{
		"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "metadata.uid": string(pod.UID),
		"spec.nodeName": pod.Spec.NodeName, "spec.serviceAccountName": pod.Spec.ServiceAccountName,
		"status.hostIP": pod.Status.HostIP, "status.podIP": pod.Status.PodIP,
	}
	value, ok := values[v.ValueFrom.FieldRef.FieldPath]
	return value, ok
}

// outcome is what a command did.
type outcome struct {
	stdout, stderr string
	// early is the part of stdout that was written before the first sleep.
	early string
	code  int
	// takes is how long it ran.
	takes time.Duration
	// known is false for a command that a simulated container does not have.
	known bool
}

// runCommand answers a command without running anything. It is a pure function, but for date.
func runCommand(argv []string, env environment) outcome {
	if len(argv) == 0 {
		return outcome{}
	}
	name, args := path.Base(argv[0]), argv[1:]
	if result := env.host.answer(name, args, env); result.known {
		return result
	}
	switch name {
	case "sh", "bash", "ash":
		if len(args) >= 2 && args[0] == "-c" {
			return runScript(args[1], env)
		}
	case "true", ":":
		return outcome{known: true}
	case "false":
		return outcome{code: 1, known: true}
	case "exit":
		code := 0
		if len(args) > 0 {
			code, _ = strconv.Atoi(args[0])
		}
		return outcome{code: code & 0xff, known: true}
	case "echo":
		return answer(strings.Join(args, " "))
	case "hostname":
		return answer(env.hostname)
	case "env", "printenv":
		if len(args) == 0 {
			return answer(strings.Join(env.vars, "\n"))
		}
		if name == "printenv" {
			return answer(env.get(args[0]))
		}
	case "id":
		return answer(identity(env.user))
	case "whoami":
		if env.user == nil || env.user.UID == 0 {
			return answer("root")
		}
	case "date":
		return answer(time.Now().UTC().Format("Mon Jan _2 15:04:05 UTC 2006"))
	case "pwd":
		return answer("/")
	case "ls":
		if len(args) == 0 || slices.Equal(args, []string{"/"}) {
			return answer("bin\ndev\netc\nhome\nproc\nroot\nsys\ntmp\nusr\nvar")
		}
	case "cat":
		if slices.Equal(args, []string{"/etc/hostname"}) {
			return answer(env.hostname)
		}
	case "sleep":
		if d, ok := sleepTime(args); ok {
			return outcome{takes: d, known: true}
		}
	}
	return outcome{stderr: simulatedText(strings.Join(argv, " ")), code: 127}
}

func answer(text string) outcome {
	return outcome{stdout: text + "\n", early: text + "\n", known: true}
}

func (e environment) get(name string) string {
	for _, v := range e.vars {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

func identity(user *corev1.LinuxContainerUser) string {
	if user == nil || (user.UID == 0 && user.GID == 0) {
		return "uid=0(root) gid=0(root) groups=0(root)"
	}
	return fmt.Sprintf("uid=%d gid=%d groups=%d", user.UID, user.GID, user.GID)
}

func sleepTime(args []string) (time.Duration, bool) {
	if len(args) != 1 {
		return 0, false
	}
	if args[0] == "infinity" {
		return 100 * 365 * 24 * time.Hour, true
	}
	text := args[0]
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// simulatedText says what a simulated container can do instead of the command.
func simulatedText(command string) string {
	return fmt.Sprintf("k8slab: %s: not found. This container is simulated and has no programs. It answers hostname, env, id, "+
		"date, pwd, ls /, cat /etc/hostname, echo, sleep, true and false; kubectl logs shows what it wrote.\n"+
		"k8slab: このコンテナーは模擬実行のため、プログラムは入っていません。上のコマンドにだけ答えます。出力は kubectl logs で見られます。\n", command)
}

// runScript answers a script of simple commands, joined by semicolons, newlines or &&.
func runScript(script string, env environment) outcome {
	if usesOperators(script) {
		return outcome{stderr: simulatedText(script), code: 127}
	}
	total := outcome{known: true}
	for _, part := range splitScript(script) {
		if part.onSuccess && total.code != 0 {
			continue
		}
		argv := words(part.command, env)
		if len(argv) == 0 {
			continue
		}
		result := runCommand(argv, env)
		if total.takes == 0 {
			total.early += result.stdout
		}
		total.stdout += result.stdout
		total.stderr += result.stderr
		total.takes += result.takes
		total.code = result.code
		total.known = total.known && result.known
		if argv[0] == "exit" {
			break
		}
	}
	return total
}

// usesOperators reports whether the script has pipes, redirections, substitutions or groups outside quotes; they would
// be answered wrongly.
func usesOperators(script string) bool {
	quote := rune(0)
	for _, r := range script {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote != '\'' && r == '`':
			return true
		case quote == 0 && strings.ContainsRune("|<>(){}", r):
			return true
		}
	}
	return false
}

type scriptPart struct {
	command   string
	onSuccess bool
}

// splitScript cuts a script at the separators that no quotes surround.
func splitScript(script string) []scriptPart {
	var parts []scriptPart
	current := scriptPart{}
	quote := rune(0)
	var text strings.Builder
	cut := func(onSuccess bool) {
		current.command = text.String()
		parts = append(parts, current)
		current = scriptPart{onSuccess: onSuccess}
		text.Reset()
	}
	for i, r := range script {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
			text.WriteRune(r)
		case r == '\'' || r == '"':
			quote = r
			text.WriteRune(r)
		case r == ';' || r == '\n':
			cut(false)
		case r == '&' && strings.HasPrefix(script[i:], "&&"):
			cut(true)
		case r == '&' && i > 0 && script[i-1] == '&':
		default:
			text.WriteRune(r)
		}
	}
	cut(false)
	return parts
}

// words splits a simple command as a shell does: at blanks, with quotes, and with variables outside single quotes.
func words(command string, env environment) []string {
	var list []string
	var word strings.Builder
	inWord := false
	quote := rune(0)
	chunk := ""
	flush := func() {
		if quote != '\'' {
			chunk = os.Expand(chunk, env.get)
		}
		word.WriteString(chunk)
		chunk = ""
	}
	for _, r := range command {
		switch {
		case r == quote:
			flush()
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			flush()
			quote = r
			inWord = true
		case quote == 0 && (r == ' ' || r == '\t'):
			flush()
			if inWord {
				list = append(list, word.String())
			}
			word.Reset()
			inWord = false
		default:
			chunk += string(r)
			inWord = true
		}
	}
	flush()
	if inWord {
		list = append(list, word.String())
	}
	return list
}

// isShell reports whether the command is an interactive shell.
func isShell(cmd []string) bool {
	if len(cmd) == 0 || !slices.Contains([]string{"sh", "bash", "ash"}, path.Base(cmd[0])) {
		return false
	}
	for _, arg := range cmd[1:] {
		if arg == "-c" || !strings.HasPrefix(arg, "-") {
			return false
		}
	}
	return true
}

// prompt reads commands until the input ends, exit is typed or ctx ends, and returns the exit code. With a terminal it
// echoes what is typed, as a terminal in raw mode expects.
func prompt(ctx context.Context, in io.Reader, out io.Writer, env environment, tty bool) int {
	if tty {
		write(out, "k8slab: this container is simulated; this is not a real shell. Type exit to leave.\n"+
			"k8slab: このコンテナーは模擬実行で、本物のシェルではありません。exit で終わります。\n# ", true)
	}
	typed := make(chan byte)
	stopped, stop := context.WithCancel(ctx)
	defer stop()
	go readBytes(stopped, in, typed)
	var line []byte
	code := 0
	for {
		var b byte
		var ok bool
		select {
		case b, ok = <-typed:
		case <-ctx.Done():
			return 137
		}
		if !ok || (b == 4 && len(line) == 0) {
			write(out, "\n", tty)
			return code
		}
		switch {
		case b == '\r' || b == '\n':
			if tty {
				write(out, "\n", true)
			}
			result, left := promptLine(string(line), env)
			write(out, result.stdout, tty)
			write(out, result.stderr, tty)
			code = result.code
			if left {
				return code
			}
			line = nil
			if tty {
				write(out, "# ", true)
			}
		case b == 3:
			line, code = nil, 130
			write(out, "^C\n# ", tty)
		case b == 127 || b == 8:
			line = eraseRune(line, out, tty)
		case b < ' ' && b != '\t':
		default:
			line = append(line, b)
			if tty {
				_, _ = out.Write([]byte{b})
			}
		}
	}
}

// promptLine answers one line, and reports whether it leaves the shell.
func promptLine(line string, env environment) (outcome, bool) {
	result := runScript(line, env)
	argv := words(line, env)
	return result, len(argv) > 0 && argv[0] == "exit"
}

func eraseRune(line []byte, out io.Writer, tty bool) []byte {
	if len(line) == 0 {
		return line
	}
	_, size := utf8.DecodeLastRune(line)
	if tty {
		_, _ = io.WriteString(out, "\b \b")
	}
	return line[:len(line)-size]
}

// readBytes hands on what is read until the input or ctx ends. It may outlive the prompt until the stream is closed,
// which follows at once.
func readBytes(ctx context.Context, in io.Reader, to chan<- byte) {
	defer close(to)
	buffer := make([]byte, 256)
	for {
		n, err := in.Read(buffer)
		for _, b := range buffer[:n] {
			select {
			case to <- b:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}
