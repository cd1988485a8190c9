import t from 'tap'
import { preferred } from '../../../core/http/accept.js'

const JSON_TYPE = 'application/json'
const EVENT = 'application/cloudevents+json'
const BATCH = 'application/cloudevents-batch+json'

const cases: [accept: string | undefined, expected: string][] = [
  [undefined, JSON_TYPE], ['', JSON_TYPE], ['*/*', JSON_TYPE], ['application/*', JSON_TYPE], ['text/html', JSON_TYPE], ['garbage', JSON_TYPE],
  [EVENT, EVENT], [BATCH, BATCH], [EVENT.toUpperCase(), EVENT], [`${EVENT}; charset=utf-8`, EVENT],
  [`${EVENT}, */*`, EVENT], [`*/*, ${EVENT}`, EVENT], [`${EVENT};q=0.9, */*`, JSON_TYPE], [`${EVENT};q=0.5, ${JSON_TYPE};q=0.4`, EVENT],
  [`${EVENT}, ${JSON_TYPE}`, JSON_TYPE], [`${BATCH};q=0.7,${EVENT};q=0.8`, EVENT],
  [`${EVENT};q=0`, JSON_TYPE], [`${JSON_TYPE};q=0, ${EVENT};q=0.1`, EVENT], [`*/*, ${JSON_TYPE};q=0`, EVENT],
  [`application/*;q=0.2, ${BATCH};q=0.1, text/html`, JSON_TYPE], [`${EVENT};q=2`, JSON_TYPE], [`${EVENT};q=0.1234`, JSON_TYPE], [` ${EVENT} ; q=1.0 `, EVENT]
]

for (const [accept, expected] of cases) {
  t.test(`accept '${accept ?? 'nothing said'}' gives ${expected}`, async (t) => {
    t.equal(preferred(accept, [JSON_TYPE, EVENT, BATCH]), expected)
  })
}
