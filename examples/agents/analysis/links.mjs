// Whether a relative link of a document leads to something in the project.
import { folderOf, joinPath } from './files.mjs'

// Those that a site generator turns into pages, so that documents name them without, or with another, ending.
const PAGE_ENDINGS = ['', '.md', '.mdx', '.markdown', '.rst', '.html', '/index.md', '/index.mdx', '/README.md', '/index.html']
// The sidecar never lists files that may hold secrets, so their absence proves nothing.
const WITHHELD = /(^|\/)\.env|(^|\/)(credentials|secrets?)(\.|$)|\.(pem|key|p12|pfx|keystore)$/i

const byLowerCase = new WeakMap()

/** `alive`, `dead`, or `unknown` where the project cannot tell; with the path that was looked for, and one that differs by case. */
export function checkLink (document, target, project) {
  const local = localPath(document, target)
  if (local === undefined) return { state: 'unknown' }
  if (local === '' || existing(local, project)) return { state: 'alive', path: local }
  if (WITHHELD.test(local) || local.includes('node_modules/') || !project.complete) return { state: 'unknown', path: local }
  return { state: 'dead', path: local, otherCase: otherCase(local, project) }
}

function localPath (document, target) {
  // Other schemes and hosts, anchors of the page itself, and the placeholders of templates.
  if (/^([a-z][a-z0-9+.-]*:|\/\/|#|\?)/i.test(target) || /[{}<>$]|%[^0-9a-f]/i.test(target)) return undefined
  const path = decoded(target.split(/[?#]/, 1)[0].replace(/\\(?=[^\w\s])/g, ''))
  return path.startsWith('/') ? joinPath('', path) : joinPath(folderOf(document), path)
}

function decoded (path) {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function existing (path, project) {
  const page = path.replace(/\.html?$/, '')
  const candidates = [...PAGE_ENDINGS.map((ending) => path + ending), ...(page === path ? [] : ['.md', '.mdx', '.rst'].map((ending) => page + ending))]
  return project.folders.has(path) || candidates.some((candidate) => project.paths.has(candidate))
}

function otherCase (path, project) {
  if (!byLowerCase.has(project)) byLowerCase.set(project, new Map([...project.paths].map((known) => [known.toLowerCase(), known])))
  return byLowerCase.get(project).get(path.toLowerCase())
}
