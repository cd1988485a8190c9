import type { WorkProof } from '../../contracts/index.js'
import type { ResultSubmission, Witness } from '../../results/results.js'
import type { AgentRecord } from '../agent-record.js'
import { disagreements } from './claims.js'
import { namesOf } from './git.js'
import { takeBaseline, takeProof, type Baseline, type ProofOptions } from './proof.js'

/** Where an agent works, and what the sidecar knows of that place; kept in the agent's record. */
export interface AgentWork {
  /** Working directory of the agent. */
  root: string
  /** `null` where there is no git. */
  baseline: Baseline | null
  /** As it was found last. */
  proof: WorkProof | null
}

/** Gives agents the place where they work, and tells what they have done there. */
export interface Workspaces {
  /** To be called before the process is made; gives its working directory. */
  begin (record: AgentRecord, projectRoot: string): Promise<string>
  /** What is there when a result comes, and where the result claims something else. */
  witness (record: AgentRecord, submission: ResultSubmission): Promise<Witness | undefined>
  /** Looks at the working tree of an agent that has ended. */
  prove (record: AgentRecord): Promise<void>
}

export function createWorkspaces (options: ProofOptions): Workspaces {
  const prove = async (record: AgentRecord): Promise<void> => {
    const { work } = record
    if (work !== undefined) work.proof = await takeProof(options, work.root, work.baseline)
  }

  /** Of what git ignores it cannot say whether it changed. */
  const areTracked = async (root: string, paths: readonly string[]): Promise<string[]> =>
    namesOf(await options.git(root, ['ls-files', '-z', '--', ...paths]))

  return {
    async begin (record, projectRoot) {
      record.work = { root: projectRoot, baseline: await takeBaseline(options, projectRoot), proof: null }
      return projectRoot
    },
    async witness (record, { result }) {
      const { work } = record
      if (work === undefined) return undefined
      await prove(record)
      const { proof, root } = work
      if (proof === null) return { proof, sidecar_warnings: [] }
      return { proof, sidecar_warnings: await disagreements(result, proof, { root, isAlone: false, areTracked: async (paths) => await areTracked(root, paths) }) }
    },
    prove
  }
}
