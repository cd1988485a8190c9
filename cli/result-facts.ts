/** What an agent stored. Only `status` is sure; everything else is the agent's own and is read with care. */
export interface ResultBody { [member: string]: unknown }

/** Decisions as text; an agent may give strings or objects with a `decision`, `summary` or `title`. */
export function decisionsOf (result: ResultBody | undefined): string[] {
  const decisions = result?.decisions
  if (!Array.isArray(decisions)) return []
  return decisions.map((decision: unknown) => {
    if (typeof decision !== 'object' || decision === null) return String(decision)
    const { decision: text, summary, title } = decision as ResultBody
    const said = [text, summary, title].find((value) => typeof value === 'string')
    return typeof said === 'string' ? said : JSON.stringify(decision)
  })
}

/** Numbers and words among the metrics; nested ones are left to `--format json`. */
export function metricsOf (result: ResultBody | undefined): [string, string | number][] {
  const metrics = result?.metrics
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics)) return []
  return Object.entries(metrics).filter((entry): entry is [string, string | number] => typeof entry[1] === 'number' || typeof entry[1] === 'string')
    .map(([name, value]) => [name.replaceAll('_', ' '), value])
}
