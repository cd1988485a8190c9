export const SINCE = 'where to begin: earliest, latest, a time (RFC 3339), an event id or a cursor'
export const FILTER = 'for example issue_id:issue-123,status:success|partial'
