import { Type } from '../../../core/plugin-api.js'

/** Options of a strategy that is configured by nothing but how much it may offer. */
export function itemLimit (items = 400) {
  return Type.Object({
    maxItems: Type.Integer({ default: items, minimum: 1, maximum: 5000, description: 'Most items that one gathering offers; the `limit` of a requirement may say less.' })
  }, { additionalProperties: false })
}
