import { join } from 'node:path'
import type { WorkProof } from '../../contracts/index.js'
import { apiError, codeOf, messageOf } from '../../errors.js'
import type { ResultSubmission, Witness } from '../../results/results.js'
import type { AgentRecord } from '../agent-record.js'
import { checkBase } from './base.js'
import { disagreements } from './claims.js'
import { createPlace } from './create-place.js'
import { diffSince, type WorkDiff } from './diff.js'
import { namesOf } from './git.js'
import { mergePlace, type MergeReport } from './merge.js'
import { Places, type Place } from './place.js'
import { takeBaseline, takeProof, type Baseline, type ProofOptions } from './proof.js'
import { ConflictRadar, type Collision } from './radar.js'
import { reasonsToKeep, removePlace, removeUnready } from './remove-place.js'
import { createLooks } from './working-tree.js'

export type WorkspaceKind = 'shared' | Place['kind']

/** Where an agent works, and what the sidecar knows of that place; kept in the agent's record. */
export interface AgentWork {
  /** Working directory of the agent. */
  root: string
  /** `null` where there is no git. */
  baseline: Baseline | null
  /** As it was found last. */
  proof: WorkProof | null
}

/** A working tree of an agent's own as it is told. */
export interface KnownPlace {
  place: Place
  /** Whether its agent is at work. */
  live: boolean
  /** Why it stays; empty for one that would be removed. */
  reasons: string[]
}

export interface WorkspacesOptions extends Omit<ProofOptions, 'look'> {
  /** Folder for working trees of agents. */
  directory: string
  /** Whether an agent has not ended. */
  isLive (agentId: string): boolean
  /** Takes secrets out of a text. */
  redact (text: string): Promise<string>
  /** Where a project lies. */
  rootOf (project: string): string
  /** How often live places are compared. */
  radarMs: number
  onCollision (collision: Collision): Promise<void>
}

/** Gives agents the place where they work, tells what they have done there, and takes it away when nothing would be lost. */
export class Workspaces {
  readonly #options: WorkspacesOptions & ProofOptions
  readonly #places: Places
  readonly #radar: ConflictRadar
  /** Places are settled one after another: each looks at what the others leave. */
  #settling: Promise<unknown> = Promise.resolve()

  constructor (options: WorkspacesOptions) {
    this.#options = { ...options, look: createLooks(options.git) }
    this.#places = new Places(options.directory)
    this.#radar = new ConflictRadar({
      git: options.git,
      log: options.log,
      everyMs: options.radarMs,
      live: async () => (await this.#places.list(undefined, options.log)).filter(({ ready, agent_id: id }) => ready && options.isLive(id)),
      tell: options.onCollision
    })
  }

  /** Takes up what an earlier run has left; to be called when its agents are taken over. */
  open (): void {
    this.#radar.open()
    this.prune(undefined).catch((error: unknown) => this.#options.log.warn({ reason: messageOf(error) }, 'the workspaces of earlier agents could not be looked at'))
  }

  async close (): Promise<void> {
    await this.#radar.close()
    await this.#settling.catch(() => {})
  }

  /** Whether an agent can begin where it is told to: throws `VAL_001` for a base that the project does not have. */
  async check ({ workspace = 'shared', workspace_base: base }: AgentRecord, projectRoot: string): Promise<void> {
    if (workspace !== 'shared' && base !== undefined) await checkBase(this.#options.git, projectRoot, base)
  }

  /** To be called before the process is made; gives its working directory. Throws `AGT_001`. */
  async begin (record: AgentRecord, projectRoot: string): Promise<string> {
    const { workspace: kind = 'shared' } = record
    const root = kind === 'shared' ? projectRoot : await this.#createPlace(record, kind, projectRoot)
    // What the attempts before have done is its work, too.
    record.work = { root, baseline: record.work?.baseline ?? await takeBaseline(this.#options, root), proof: null }
    return root
  }

  async #createPlace (record: AgentRecord, kind: Place['kind'], projectRoot: string): Promise<string> {
    const { git, clock, log } = this.#options
    const earlier = await this.#places.find(record.project_id, record.agent_id)
    if (earlier?.ready === true) return join(earlier.folder, earlier.prefix)
    try {
      const { folder, prefix, notes } = await createPlace(git, this.#places, {
        agent_id: record.agent_id,
        agent_type: record.agent_type,
        project_id: record.project_id,
        project_root: projectRoot,
        kind,
        base: record.workspace_base ?? 'HEAD',
        created_at: new Date(clock()).toISOString()
      })
      if (notes.length > 0) log.info({ agent: record.agent_id, notes }, 'the workspace of an agent differs from the project')
      return join(folder, prefix)
    } catch (error) {
      if (codeOf(error) === 'AGT_001') throw error
      log.error({ agent: record.agent_id, reason: messageOf(error) }, 'the workspace of an agent could not be made')
      await this.leave(record)
      throw apiError('AGT_001', 'The agent was not started: its workspace could not be made. The log says why.', { cause: error })
    }
  }

  /** What is there when a result comes, and where the result claims something else. */
  async witness (record: AgentRecord, { result }: ResultSubmission): Promise<Witness | undefined> {
    const { work } = record
    if (work === undefined) return undefined
    await this.prove(record)
    const { proof, root } = work
    if (proof === null) return { proof, sidecar_warnings: [] }
    // Of what git ignores it cannot say whether it changed.
    const areTracked = async (paths: readonly string[]): Promise<string[]> => namesOf(await this.#options.git(root, ['ls-files', '-z', '--', ...paths]))
    return { proof, sidecar_warnings: await disagreements(result, proof, { root, isAlone: (record.workspace ?? 'shared') !== 'shared', areTracked }) }
  }

  /** Looks at the working tree of an agent that has ended. */
  async prove (record: AgentRecord): Promise<void> {
    const { work } = record
    if (work !== undefined) work.proof = await takeProof(this.#options, work.root, work.baseline)
  }

  /** Takes the place of an agent that has ended away, unless something would be lost. */
  async leave (record: AgentRecord): Promise<void> {
    if ((record.workspace ?? 'shared') === 'shared') return
    const place = await this.#places.find(record.project_id, record.agent_id)
    if (place !== undefined) await this.#settle(place)
  }

  /** Working trees of agents' own, oldest first. */
  async list (project: string | undefined): Promise<KnownPlace[]> {
    return await Promise.all((await this.#places.list(project, this.#options.log)).map(async (place) => await this.#know(place)))
  }

  async find (project: string, agentId: string): Promise<KnownPlace | undefined> {
    const place = await this.#places.find(project, agentId)
    return place === undefined ? undefined : await this.#know(place)
  }

  /** What an agent changed since its start; in a shared working tree also what others did. `undefined` where nothing is known. */
  async diff (record: AgentRecord): Promise<WorkDiff | undefined> {
    const { work } = record
    if (work === undefined || work.baseline === null) return undefined
    const place = await this.#places.find(record.project_id, record.agent_id)
    const isGone = (record.workspace ?? 'shared') !== 'shared' && place === undefined
    // What is in commits outlives the working tree.
    const root = isGone ? this.#options.rootOf(record.project_id) : work.root
    const found = await diffSince(this.#options.git, root, work.baseline.head, isGone ? work.proof?.head_after ?? work.baseline.head ?? undefined : undefined)
    return { ...found, diff: found.diff === null ? null : await this.#options.redact(found.diff) }
  }

  /** Merges what an agent has committed in a place of its own; `undefined` where it has none. */
  async merge (record: AgentRecord, dryRun: boolean): Promise<MergeReport | undefined> {
    const place = await this.#places.find(record.project_id, record.agent_id)
    if (place === undefined || !place.ready) return undefined
    const merged = this.#settling.catch(() => {}).then(async () => await mergePlace(this.#options.git, place, dryRun))
    this.#settling = merged
    return await merged
  }

  /** Removes those of agents that have ended where nothing would be lost; also what a crash has left. Gives those that were removed. */
  async prune (project: string | undefined): Promise<Place[]> {
    const removed: Place[] = []
    for (const place of await this.#places.list(project, this.#options.log)) {
      if (!this.#options.isLive(place.agent_id) && await this.#settle(place)) removed.push(place)
    }
    return removed
  }

  async #know (place: Place): Promise<KnownPlace> {
    return { place, live: this.#options.isLive(place.agent_id), reasons: await this.#reasonsToKeep(place) }
  }

  async #reasonsToKeep (place: Place): Promise<string[]> {
    // In a copy of a storage the agent of the original may be at work there.
    if (place.folder !== this.#places.folderOf(place.project_id, place.agent_id)) return ['it lies in another storage']
    return place.ready ? await reasonsToKeep(this.#options.git, place) : []
  }

  /** Whether it was removed. */
  async #settle (place: Place): Promise<boolean> {
    const settled = this.#settling.catch(() => {}).then(async () => await this.#settleNow(place))
    this.#settling = settled
    return await settled
  }

  async #settleNow (place: Place): Promise<boolean> {
    const { git, log } = this.#options
    try {
      const reasons = await this.#reasonsToKeep(place)
      if (reasons.length > 0) {
        log.info({ agent: place.agent_id, reasons }, 'the workspace of an agent is kept')
        return false
      }
      await (place.ready ? removePlace : removeUnready)(git, this.#places, place)
      return true
    } catch (error) {
      log.warn({ agent: place.agent_id, reason: messageOf(error) }, 'the workspace of an agent could not be removed')
      return false
    }
  }
}
