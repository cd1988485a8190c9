/** Who acts in the audit log without being an agent: no token of anybody else is for one of these names. */
export const RESERVED_ACTORS: ReadonlySet<string> = new Set(['operator', 'sidecar', 'cli'])
