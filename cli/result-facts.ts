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

/** What a result comes to, in one text: the first decision, the last words of an agent for which the sidecar made the result, or the first error. */
export function gistOf (result: ResultBody | undefined): string {
  const { artifacts, errors } = result ?? {}
  const last = typeof artifacts === 'object' && artifacts !== null && !Array.isArray(artifacts) ? (artifacts as ResultBody).final_text : undefined
  return decisionsOf(result)[0] ?? (typeof last === 'string' && last !== '' ? last : Array.isArray(errors) ? String(errors[0] ?? '') : '')
}

/** Numbers and words among the metrics; nested ones are left to `--format json`. */
export function metricsOf (result: ResultBody | undefined): [string, string | number][] {
  const metrics = result?.metrics
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics)) return []
  return Object.entries(metrics).filter((entry): entry is [string, string | number] => typeof entry[1] === 'number' || typeof entry[1] === 'string')
    .map(([name, value]) => [name.replaceAll('_', ' '), value])
}
