// What the manifests say about where code comes from: versions that float, scripts that run on install, locks that are missing.
import { folderOf } from './files.mjs'

const LOCKS = {
  'package.json': ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb'],
  'pyproject.toml': ['poetry.lock', 'uv.lock', 'pdm.lock', 'requirements.txt', 'Pipfile.lock'],
  'Cargo.toml': ['Cargo.lock'],
  'go.mod': ['go.sum'],
  Gemfile: ['Gemfile.lock'],
  'composer.json': ['composer.lock'],
  'pubspec.yaml': ['pubspec.lock']
}

const CHECKS = [
  [/(^|\/)package\.json$/, packageJson],
  [/(^|\/)requirements[^/]*\.txt$/, requirements],
  [/(^|\/)Cargo\.toml$/, cargo],
  [/(^|\/)([^/]+\.)?Dockerfile(\.[^/]+)?$/, dockerfile],
  [/^\.github\/workflows\/[^/]+\.ya?ml$/, workflow]
]

export function isManifest (path) {
  return CHECKS.some(([name]) => name.test(path)) || Object.hasOwn(LOCKS, path.slice(path.lastIndexOf('/') + 1))
}

/** Findings about the manifests in the context, in the form of those about code. */
export function manifestFindings (project) {
  const found = project.seen.flatMap(({ path, content }) => {
    const checks = CHECKS.filter(([name]) => name.test(path))
    return checks.flatMap(([, check]) => check(content)).map((one) => ({ path, line: null, ...one }))
  })
  return [...found, ...missingLocks(project)].filter((finding) => !/(^|\/)(node_modules|fixtures?|testdata)\//.test(finding.path))
}

/** A lock counts from the manifest's own folder up to the root, where workspaces keep it. */
function missingLocks (project) {
  if (!project.complete) return []
  return project.files.flatMap(({ path }) => {
    const locks = LOCKS[path.slice(path.lastIndexOf('/') + 1)]
    if (!locks || /(^|\/)(examples?|tests?|templates?|docs?|bench(marks?)?)\//.test(path)) return []
    const content = project.contentOf(path)
    if (content !== undefined && !/dependencies|require|^gem |\[project\]/m.test(content)) return []
    for (let folder = folderOf(path); ; folder = folderOf(folder)) {
      if (locks.some((lock) => project.paths.has(folder ? `${folder}/${lock}` : lock))) return []
      if (folder === '') break
    }
    return [{ path, line: null, ...finding('no-lock-file', 'low', `has no lock file (${locks[0]} or the like), so installs are not repeatable`) }]
  })
}

function packageJson (content) {
  let manifest
  try {
    manifest = JSON.parse(content)
  } catch {
    return []
  }
  const versions = Object.entries({ ...manifest.devDependencies, ...manifest.optionalDependencies, ...manifest.dependencies })
  const floating = versions.filter(([, version]) => /^(\*|x|latest|next|)$|^>/.test(version))
  const remote = versions.filter(([, version]) => /^(git|https?:|github:|[\w-]+\/[\w.-]+(#|$))/.test(version) && !/#[0-9a-f]{40}$/.test(version))
  const scripts = ['preinstall', 'install', 'postinstall'].filter((name) => manifest.scripts?.[name])
  return [
    floating.length > 0 && finding('unpinned-version', 'medium', `takes any version of ${named(floating)}`),
    remote.length > 0 && finding('unpinned-source', 'medium', `takes ${named(remote)} from a repository or address without a commit`),
    scripts.length > 0 && finding('install-script', 'medium', `runs on install: ${scripts.join(', ')}`)
  ].filter(Boolean)
}

function requirements (content) {
  const loose = content.split('\n').map((line) => line.replace(/\s*#.*/, '').trim())
    .filter((line) => /^[A-Za-z0-9]/.test(line) && !/===?|@\s*\S+@[0-9a-f]{40}/.test(line))
  return loose.length > 0 ? [finding('unpinned-version', 'medium', `does not fix the version of ${named(loose.map((line) => line.split(/[\s<>~!;[]/)))}`)] : []
}

function cargo (content) {
  const floating = [...content.matchAll(/^([\w-]+)\s*=\s*(?:"\*"|\{[^}]*version\s*=\s*"\*")/gm)].map((match) => [match[1]])
  const remote = [...content.matchAll(/^([\w-]+)\s*=\s*\{(?=[^}]*\bgit\s*=)(?![^}]*\brev\s*=)/gm)].map((match) => [match[1]])
  return [
    floating.length > 0 && finding('unpinned-version', 'medium', `takes any version of ${named(floating)}`),
    remote.length > 0 && finding('unpinned-source', 'medium', `takes ${named(remote)} from git without a revision`)
  ].filter(Boolean)
}

function dockerfile (content) {
  const stages = new Set([...content.matchAll(/^FROM\s.*\sAS\s+(\S+)/gim)].map((match) => match[1].toLowerCase()))
  const images = [...content.matchAll(/^FROM\s+(?:--\S+\s+)?(\S+)/gim)].map((match) => match[1])
    .filter((image) => image !== 'scratch' && !image.includes('$') && !stages.has(image.toLowerCase()))
  const floating = images.filter((image) => !image.includes('@') && (/:latest$/.test(image) || !/:[^/]+$/.test(image)))
  return [
    floating.length > 0 && finding('unpinned-image', 'medium', `builds on ${named(floating.map((image) => [image]))} without a version`),
    !/^USER\s+\S/m.test(content) && finding('runs-as-root', 'low', 'never leaves the root user')
  ].filter(Boolean)
}

function workflow (content) {
  const floating = [...content.matchAll(/uses:\s*['"]?([\w.-]+\/[\w./-]+)@(main|master|HEAD|latest)\b/g)].map((match) => [`${match[1]}@${match[2]}`])
  return [
    floating.length > 0 && finding('unpinned-action', 'medium', `runs ${named(floating)} from a moving branch`),
    /\bpull_request_target\b/.test(content) && finding('pull-request-target', 'medium', 'runs with secrets on pull requests of strangers')
  ].filter(Boolean)
}

function finding (rule, severity, detail) {
  return { rule, severity, detail }
}

function named (entries) {
  const names = [...new Set(entries.map(([name]) => name))]
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
}
