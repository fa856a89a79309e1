package kind

import (
	"os"
	"os/exec"
	"path/filepath"
)

// Environment implements cluster.Environment: the variables that the engine's command needs, and the command's folder.
// Both are empty if there is no engine.
func (p *Provider) Environment() (env, path []string) {
	e, err := locate("")
	if err != nil {
		return nil, nil
	}
	command, err := exec.LookPath(e.command)
	if err != nil {
		return nil, nil
	}
	if command, err = filepath.Abs(command); err != nil {
		return nil, nil
	}
	pass := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	for _, name := range []string{
		ImageVariable, EngineVariable, "XDG_RUNTIME_DIR",
		"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "CONTAINER_HOST", "CONTAINERS_CONF",
	} {
		pass(name, os.Getenv(name))
	}
	pass("DOCKER_CONFIG", homeFolder("DOCKER_CONFIG", ".docker")) // it names the Docker context to use
	if e.command == "podman" {
		pass("XDG_CONFIG_HOME", homeFolder("XDG_CONFIG_HOME", ".config"))
		pass("XDG_DATA_HOME", homeFolder("XDG_DATA_HOME", ".local/share")) // where a user's own containers are
	}
	return env, []string{filepath.Dir(command)}
}

// homeFolder returns the folder that the variable names, or else the default folder if it exists.
func homeFolder(variable, usual string) string {
	if named := os.Getenv(variable); named != "" {
		return named
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	folder := filepath.Join(home, filepath.FromSlash(usual))
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return ""
	}
	return folder
}
