import Type from '../typebox.js'

/** Visible ASCII, as header values can carry it everywhere. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(Type.String({
    pattern: '^[\\x21-\\x7e]{1,255}$', description: 'The same key with the same body gives the first answer again, and nothing is done twice.'
  }))
})

/** What an answer carries that was given before. */
export const REPLAYED = 'idempotency-replayed'

/** The headers of an answer to a request that may come again, for its documentation. */
export const ReplayedHeader = { headers: { [REPLAYED]: Type.Literal('true', { description: 'Only where the first answer is given again.' }) } }
