import t from 'tap'
import type { IssueRecord, ResultRecord, ResultStore } from '../../../core/contracts/index.js'
import { resultStoreContract, type TestFunction } from '../../../core/testing/index.js'
import { createFakeStore, createStoreStorage, fits, resultsOf, type StoreStorage } from './fakes/result-store.js'
import { failureIn, failuresOf } from './suite-run.js'

interface Fault {
  name: string
  fails: string
  breaks (store: ResultStore, storage: StoreStorage): Partial<ResultStore>
}

function suiteOver (fault?: Fault): (test: TestFunction) => void {
  return (test) => resultStoreContract({
    test,
    create: async () => {
      const storage = createStoreStorage()
      const make = (): ResultStore => {
        const store = createFakeStore(storage)
        return { ...store, ...fault?.breaks(store, storage) }
      }
      return { instance: make(), reopen: async () => make(), dispose: async () => {} }
    }
  })
}

/** A store that lists in the right order but pages by counting. */
function pagingByOffset (store: ResultStore): Partial<ResultStore> {
  return {
    async list (project, { cursor, limit, ...query }) {
      const { results } = await store.list(project, { ...query, limit: 1_000 })
      const offset = Number(cursor ?? 0)
      if (Number.isNaN(offset) || offset < 0) return store.list(project, { limit, cursor: cursor! })
      const page = results.slice(offset, offset + limit)
      return offset + limit < results.length ? { results: page, next_cursor: String(offset + limit) } : { results: page }
    }
  }
}

const faults: Fault[] = [
  { name: 'drops a write', fails: '50 puts at once are all stored, and listed newest first', breaks: (store) => { let puts = 0; return { async put (project, record) { return ++puts === 17 ? record : await store.put(project, record) } } } },
  { name: 'forgets the project', fails: 'a project sees nothing of another', breaks: (store) => ({ put: (_, record) => store.put('all', record), get: (_, id) => store.get('all', id), list: (_, query) => store.list('all', query) }) },
  {
    name: 'returns live references',
    fails: 'changing a record that was given or returned changes nothing stored',
    breaks: (store) => {
      const live = new Map<string, ResultRecord>()
      return { async put (project, record) { live.set(record.id, record); return await store.put(project, record) }, get: async (_, id) => live.get(id) }
    }
  },
  { name: 'throws on a missing record', fails: 'what is not there is undefined or empty', breaks: (store) => ({ async get (project, id) { const found = await store.get(project, id); if (found === undefined) throw new Error('no such record'); return found } }) },
  { name: 'keeps the latest of an agent type only', fails: 'several results of one agent type on one issue are all kept', breaks: (store, storage) => ({ async put (project, record) { for (const [id, text] of resultsOf(storage, project)) { const other = JSON.parse(text) as ResultRecord; if (other.agent_type === record.agent_type && other.issue_id === record.issue_id) resultsOf(storage, project).delete(id) } return await store.put(project, record) } }) },
  { name: 'stores an id again', fails: 'a record whose id is stored already is not stored twice', breaks: (store, storage) => ({ async put (project, record) { const results = resultsOf(storage, project); results.set(results.has(record.id) ? `${record.id} ` : record.id, JSON.stringify(record)); return record } }) },
  { name: 'resolves to what it was given', fails: 'put resolves to the record that is stored: a new one as given, the earlier one when its id or key is there', breaks: (store) => ({ async put (project, record) { await store.put(project, record); return record } }) },
  { name: 'knows no keys', fails: 'put resolves to the record that is stored: a new one as given, the earlier one when its id or key is there', breaks: (store) => ({ async put (project, { idempotency_key: _key, ...record }) { return await store.put(project, record) } }) },
  { name: 'takes a key for one of the issue', fails: 'a key is one of its project, whatever the issue and agent type', breaks: (store) => ({ put: (project, record) => store.put(project, record.idempotency_key === undefined ? record : { ...record, idempotency_key: `${record.idempotency_key} ${record.issue_id}` }) }) },
  { name: 'knows the keys of a neighbour', fails: 'a key is one of its project, whatever the issue and agent type', breaks: (store) => { const known = new Map<string, ResultRecord>(); return { async put (project, record) { const key = record.idempotency_key ?? record.id; const earlier = known.get(key); if (earlier !== undefined) return earlier; known.set(key, record); return await store.put(project, record) } } } },
  { name: 'makes one key of two cases', fails: 'keys are told apart to the letter, and from ids; results without a key are all stored', breaks: (store) => ({ put: (project, record) => store.put(project, record.idempotency_key === undefined ? record : { ...record, idempotency_key: record.idempotency_key.toLowerCase() }) }) },
  { name: 'looks for a key before it waits', fails: 'of 20 puts at once with one key one is stored, and all resolve to it', breaks: (store, storage) => ({ async put (project, record) { const earlier = (await store.list(project, { limit: 1_000 })).results.find(({ id, idempotency_key: key }) => id === record.id || (key !== undefined && key === record.idempotency_key)); if (earlier === undefined) resultsOf(storage, project).set(record.id, JSON.stringify(record)); return earlier ?? record } }) },
  { name: 'hands out what it keeps of a key', fails: 'changing an earlier record that put resolved to changes nothing stored', breaks: (store) => { const live = new Map<string, ResultRecord>(); return { async put (project, record) { const stored = live.get(record.idempotency_key ?? '') ?? await store.put(project, record); live.set(record.idempotency_key ?? '', stored); return stored }, get: async (project, id) => [...live.values()].find((each) => each.id === id) ?? await store.get(project, id) } } },
  { name: 'keeps the key of a pruned record', fails: 'a key is free again when its record was pruned', breaks: (store) => { const used = new Map<string, ResultRecord>(); return { async put (project, record) { const earlier = used.get(record.idempotency_key ?? ''); if (earlier !== undefined) return earlier; if (record.idempotency_key !== undefined) used.set(record.idempotency_key, record); return await store.put(project, record) } } } },
  { name: 'forgets keys on reopening', fails: 'durable: after reopening a key is still known, and that of a pruned record is not', breaks: (_, storage) => { for (const results of storage.results.values()) for (const [id, text] of results) results.set(id, text.replace('"idempotency_key"', '"was"')); return {} } },
  { name: 'invents absent members', fails: 'a record comes back verbatim', breaks: (store) => ({ async get (project, id) { const found = await store.get(project, id); return found && { round: 0, ...found } } }) },
  { name: 'loses order', fails: 'results are listed newest first, at most limit of them', breaks: (store) => ({ async list (project, query) { const page = await store.list(project, query); return { ...page, results: page.results.reverse() } } }) },
  { name: 'ignores the limit', fails: 'results are listed newest first, at most limit of them', breaks: (store) => ({ list: (project, query) => store.list(project, { ...query, limit: 1_000 }) }) },
  { name: 'ignores a filter beside another', fails: 'every filter holds, alone and with every other', breaks: (store) => ({ list (project, { status, ...query }) { return store.list(project, query.issue_id !== undefined && status !== undefined ? query : { ...query, ...(status === undefined ? {} : { status }) }) } }) },
  { name: 'includes until', fails: 'since includes its moment, until does not', breaks: (store) => ({ list: (project, query) => store.list(project, query.until === undefined ? query : { ...query, until: query.until + 1 }) }) },
  { name: 'excludes since', fails: 'since includes its moment, until does not', breaks: (store) => ({ list: (project, query) => store.list(project, query.since === undefined ? query : { ...query, since: query.since + 1 }) }) },
  { name: 'matches names by prefix', fails: 'a filter that nothing fits gives an empty last page', breaks: (store) => ({ async list (project, { issue_id: issue, ...query }) { const page = await store.list(project, query); return { results: page.results.filter((each) => fits(each, query) && each.issue_id.startsWith(issue ?? '')) } } }) },
  { name: 'pages by offset', fails: 'pages show each result once while others are put', breaks: pagingByOffset },
  { name: 'has a cursor that is off by one', fails: 'pages show each result once, for any limit', breaks: (store) => ({ list: (project, query) => store.list(project, query.cursor === undefined ? query : { ...query, cursor: `${query.cursor.slice(0, -1)}Z` }) }) },
  { name: 'gives a cursor with a full last page', fails: 'the last page has no cursor, also when it is full', breaks: (store) => ({ async list (project, query) { const page = await store.list(project, query); return page.results.length === query.limit ? { ...page, next_cursor: page.results.at(-1)!.id } : page } }) },
  { name: 'pages by time alone', fails: 'pages show each of several results of one moment', breaks: (store) => ({ async list (project, query) { const page = await store.list(project, query); return page.next_cursor === undefined ? page : { ...page, next_cursor: page.next_cursor.slice(0, -16) + '0'.repeat(16) } } }) },
  { name: 'takes a garbage cursor for none', fails: 'a garbage cursor is refused with VAL_001', breaks: (store) => ({ list: (project, query) => store.list(project, query).catch(() => store.list(project, { limit: query.limit })) }) },
  { name: 'shows another project by its cursor', fails: 'a cursor of another project shows nothing of that project', breaks: (store, storage) => ({ async list (project, query) { if (query.cursor === undefined) return store.list(project, query); const owner = [...storage.results.keys()].find((each) => resultsOf(storage, each).has(query.cursor!)); return store.list(owner ?? project, query) } }) },
  { name: 'counts the usage of all projects', fails: 'usage counts the results of one project or of all', breaks: (store) => ({ usage: () => store.usage() }) },
  { name: 'prunes every project', fails: 'prune removes what was stored before a moment, and nothing else', breaks: (store, storage) => ({ async prune (project, query) { for (const other of storage.results.keys()) if (other !== project) await store.prune(other, query); return store.prune(project, query) } }) },
  { name: 'prunes the moment itself', fails: 'prune removes what was stored before a moment, and nothing else', breaks: (store) => ({ prune: (project, query) => store.prune(project, { ...query, before: query.before + 1 }) }) },
  { name: 'prunes on a dry run', fails: 'prune with dryRun counts and removes nothing', breaks: (store) => ({ prune: (project, { before }) => store.prune(project, { before }) }) },
  { name: 'merges an issue into the old one', fails: 'putting an issue again replaces the whole of it', breaks: (store) => ({ async putIssue (project, issue) { await store.putIssue(project, { ...await store.getIssue(project, issue.issue_id), ...issue }) } }) },
  { name: 'keeps issues without the project', fails: 'issues of one id in two projects are two issues', breaks: (store) => ({ putIssue: (_, issue) => store.putIssue('all', issue), getIssue: (_, id) => store.getIssue('all', id) }) },
  { name: 'returns live issues', fails: 'changing an issue that was given or returned changes nothing stored', breaks: () => { const live = new Map<string, IssueRecord>(); return { async putIssue (_, issue) { live.set(issue.issue_id, issue) }, getIssue: async (_, id) => live.get(id) } } },
  { name: 'leaves issues out of its version', fails: 'the version of an issue is a new one after each change of it and of its results', breaks: (store) => ({ version: async (project, id) => JSON.stringify(await store.list(project, { issue_id: id, limit: 1_000 })) }) },
  { name: 'leaves results out of its version', fails: 'the version of an issue is a new one after each change of it and of its results', breaks: (store) => ({ version: async (project, id) => JSON.stringify(await store.getIssue(project, id)) }) },
  { name: 'counts what it holds as its version', fails: 'the version of an issue is a new one after each change of it and of its results', breaks: (store) => ({ version: async (project) => `${(await store.usage(project)).count}` }) },
  { name: 'tells a new version each time', fails: 'the version of an issue stays while nothing is changed', breaks: () => { let asked = 0; return { version: async () => `${++asked}` } } },
  { name: 'tells of a change too early', fails: 'a change that is under way never has the version of what it changes into', breaks: (store, storage) => ({ async putIssue (project, issue) { storage.changes++; for (let turn = 0; turn < 50; turn++) await null; storage.issues.set(`${project}/${issue.issue_id}`, JSON.stringify(issue)) } }) },
  { name: 'makes one name of two cases', fails: 'any valid name of a project, issue or agent type is one of its own', breaks: (store) => ({ put: (project, record) => store.put(project.toLowerCase(), record), list: (project, query) => store.list(project.toLowerCase(), query) }) },
  { name: 'forgets on reopening', fails: 'durable: acknowledged results and issues are there after reopening without close', breaks: (_, storage) => { storage.results.clear(); return {} } },
  { name: 'brings back on reopening what was pruned', fails: 'durable: what was pruned stays away after reopening', breaks: (store, storage) => { let hidden = new Set<string>(); return { async prune (project, { before, dryRun }) { const old = (await store.list(project, { limit: 1_000, until: before })).results; if (dryRun !== true) hidden = new Set(old.map(({ id }) => id)); return { removed: old.length, bytes: 1 } }, async list (project, query) { const page = await store.list(project, query); return { ...page, results: page.results.filter(({ id }) => !hidden.has(id)) } } } } }
]

t.test('a correct store passes the whole suite', async (t) => {
  t.strictSame(await failuresOf(suiteOver()), [])
})

for (const fault of faults) {
  t.test(`a store that ${fault.name} fails '${fault.fails}'`, async (t) => {
    t.type(await failureIn(fault.fails, suiteOver(fault)), 'string')
  })
}
