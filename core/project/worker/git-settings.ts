import { git } from './git.js'

/** What the configuration of a repository, with all that it includes, says. */
export interface GitSettings {
  /** Configuration that switches off the repository's own filters, which `status` and `diff` would run on changed files. */
  noFilters: (readonly [string, string])[]
  /** The same for its merge drivers: what one of them would have merged is a conflict. */
  noDrivers: (readonly [string, string])[]
  remote: string | null
  /** As it would be fetched from. */
  remoteUrl: string | null
}

/** Reading the configuration runs nothing. Rejects where there is a filter that cannot be named in the environment. */
export async function readSettings (cwd: string): Promise<GitSettings> {
  const filters = new Set<string>()
  const drivers = new Set<string>()
  const urls = new Map<string, string>()
  const shortcuts: [prefix: string, base: string][] = []
  // All scopes, not only the local one: a work tree may have a configuration of its own.
  const listing = await git(cwd, ['config', '--includes', '-z', '--list'])
  for (const record of listing.toString('utf8').split('\0')) {
    const end = record.indexOf('\n')
    const [key, value] = end < 0 ? [record, ''] : [record.slice(0, end), record.slice(end + 1)]
    const filter = /^(filter\.[^]+)\.(?:clean|smudge|process|required)$/i.exec(key)?.[1]
    if (filter?.includes('\uFFFD') === true) throw Object.assign(new Error('a filter has a name that is no UTF-8 and cannot be switched off'), { code: 'UNSAFE_FILTER' })
    if (filter !== undefined) filters.add(filter)
    const driver = /^(merge\.[^]+)\.driver$/i.exec(key)?.[1]
    if (driver?.includes('\uFFFD') === true) throw Object.assign(new Error('a merge driver has a name that is no UTF-8 and cannot be switched off'), { code: 'UNSAFE_FILTER' })
    if (driver !== undefined) drivers.add(driver)
    const remote = /^remote\.([^]+)\.url$/.exec(key)?.[1]
    if (remote !== undefined && !urls.has(remote)) urls.set(remote, value)
    const base = /^url\.([^]+)\.insteadof$/.exec(key)?.[1]
    if (base !== undefined) shortcuts.push([value, base])
  }
  const remote = [...urls.keys()].sort()[0] ?? null
  const url = remote === null ? null : urls.get(remote)!
  const shortcut = shortcuts.filter(([prefix]) => url?.startsWith(prefix)).sort(([a], [b]) => b.length - a.length)[0]
  return {
    noFilters: [...filters].flatMap((name) => [[`${name}.clean`, ''], [`${name}.smudge`, ''], [`${name}.process`, ''], [`${name}.required`, 'false']] as const),
    // An empty command would succeed, and pass one side off as the merge.
    noDrivers: [...drivers].map((name) => [`${name}.driver`, 'false'] as const),
    remote,
    remoteUrl: url === null || shortcut === undefined ? url : shortcut[1] + url.slice(shortcut[0].length)
  }
}
