/** What stands between a connection and a route, beside what is always there: security headers, request ids, the check of the head and the audit log, which a publish has nothing to do with. */
export const LINKS = ['token', 'limits', 'overload', 'cors', 'metrics', 'log'] as const
export type Link = typeof LINKS[number]
