import { apiError } from '../errors.js'

/** Of the sidecar's own environment an agent gets these and those that the settings name; nothing else. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR', 'TERM', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS']

/** Variables that change what code runs; a caller may not set them, nor those that the sidecar itself sets. */
const REFUSED = /^(PATH|HOME|SHELL|IFS|ENV|BASH_ENV|CDPATH|LD_.*|DYLD_.*|NODE_OPTIONS|NODE_PATH|PYTHON(PATH|STARTUP|HOME|INSPECT)|PERL(5LIB|5OPT|5DB|LIB)|RUBY(OPT|LIB)|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|GCONV_PATH|GLIBC_TUNABLES|ZDOTDIR|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|NODE_REPL_EXTERNAL_MODULE|NPM_CONFIG_.*|GIT_.*|PROMPT_COMMAND|AGENT_ID|AGENT_TYPE|ISSUE_ID|PROJECT_ID|SIDECAR_URL|SIDECAR_CA|JWT_TOKEN|CONTEXT_FILE|TASK|CCO_SIDECAR_.*)$/
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

/**
 * How agents verify the certificate of the sidecar: every language by naming the file, Node by itself. Variables that other libraries read (SSL_CERT_FILE,
 * CURL_CA_BUNDLE) take the place of all authorities, and would keep an agent from everybody else.
 */
export function trustVariables (authority: string | undefined, { NODE_EXTRA_CA_CERTS: given }: Record<string, string | undefined>): Record<string, string> {
  if (authority === undefined) return {}
  return { SIDECAR_CA: authority, ...(given === undefined ? { NODE_EXTRA_CA_CERTS: authority } : {}) }
}

/** Throws `VAL_001` for a variable that a caller may not set. */
export function checkEnvironment (environment: Record<string, string>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (!NAME.test(name) || REFUSED.test(name.toUpperCase()) || value.includes('\0')) {
      throw apiError('VAL_001', `The environment variable '${name}' cannot be set for an agent.`, {
        details: { issues: [{ path: `environment.${name}`, message: 'cannot be set' }] }
      })
    }
  }
}

/** The whole environment of an agent. `own` wins over what the caller gave. */
export function agentEnvironment (
  inherited: Record<string, string | undefined>,
  allowed: readonly string[],
  given: Record<string, string>,
  own: Record<string, string>
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const name of [...INHERITED, ...allowed]) {
    const value = inherited[name]
    if (value !== undefined) environment[name] = value
  }
  // Its own come first in the block, too: who looks for the processes of an agent finds them there.
  return { ...own, ...environment, ...given, ...own }
}
