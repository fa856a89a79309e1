package kind

import (
	"os"
	"os/exec"
	"path/filepath"
)

// Environment is what the engine's command needs of this process's environment, for one that has another home, and the folder that the command
// is in. Both are empty where there is no engine.
func Environment() (env []string, folder string) {
	e, err := locate("")
	if err != nil {
		return nil, ""
	}
	path, err := exec.LookPath(e.command)
	if err != nil {
		return nil, ""
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, ""
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
	pass("DOCKER_CONFIG", homeFolder("DOCKER_CONFIG", ".docker")) // it says which context is meant
	if e.command == "podman" {
		pass("XDG_CONFIG_HOME", homeFolder("XDG_CONFIG_HOME", ".config"))
		pass("XDG_DATA_HOME", homeFolder("XDG_DATA_HOME", ".local/share")) // where a user's own containers are
	}
	return env, filepath.Dir(path)
}

// homeFolder is the folder that the variable names, or else the one that is taken without it, where it is there.
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
