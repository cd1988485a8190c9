export interface FileChange {
  /** Relative to the project's root. */
  path: string
  status: 'added' | 'modified' | 'deleted'
}

/** What the sidecar itself found in an agent's working tree, by asking git. */
export interface WorkProof {
  /** `null` when the head is detached. */
  branch: string | null
  /** Commit when the agent was started; `null` before the first commit. */
  head_before: string | null
  head_after: string | null
  /** Commits that came since the start. */
  commits: number
  /** Between the two heads. */
  files_committed: FileChange[]
  /** Changed since the start and in no commit, files that git does not know included. */
  files_uncommitted: FileChange[]
  /** Whether the lists were cut. */
  truncated: boolean
  /** Whether anything is uncommitted, also from before the start. */
  dirty: boolean
  upstream: string | null
  /** Commits that the upstream does not have; `null` without one. */
  ahead: number | null
  /** RFC 3339, UTC. */
  taken_at: string
}
