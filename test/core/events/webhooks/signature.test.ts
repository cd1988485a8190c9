import { createHmac } from 'node:crypto'
import t from 'tap'
import { checkSecret, createSecret, signedHeaders } from '../../../../core/events/webhooks/signature.js'

t.test('a message is signed as the specification says', async (t) => {
  // Written down from the text of Standard Webhooks 1.0.0, not from the code.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const body = '{"test": 2432232314}'
  const headers = signedHeaders([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330_999, body)
  t.strictSame(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
  })
})

t.test('each secret signs, so that a receiver may know either', async (t) => {
  const secrets = [createSecret(), createSecret()]
  const { 'webhook-signature': signatures } = signedHeaders(secrets, 'evt_1', 5000, 'ä')
  t.strictSame(signatures!.split(' '), secrets.map((secret) => {
    const hmac = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    return `v1,${hmac.update('evt_1.5.ä', 'utf8').digest('base64')}`
  }))
})

t.test('secrets that are made are accepted, and no two are the same', async (t) => {
  const made = Array.from({ length: 50 }, createSecret)
  for (const secret of made) checkSecret(secret)
  t.equal(new Set(made).size, 50)
})

t.test('a secret of another form is refused and not repeated', async (t) => {
  const bytes = (count: number): string => Buffer.alloc(count, 7).toString('base64')
  for (const good of [24, 32, 33, 64]) {
    checkSecret(`whsec_${bytes(good)}`)
    checkSecret(`whsec_${bytes(good).replace(/=+$/, '')}`)
  }
  const wrong = ['', 'whsec_', bytes(32), `whsk_${bytes(32)}`, `whsec_${bytes(23)}`, `whsec_${bytes(65)}`, `whsec_${bytes(32)}!`, `whsec_${bytes(32).replace('B', ' ')}`, `whsec_${'-_'.repeat(20)}`]
  for (const secret of wrong) {
    t.throws(() => checkSecret(secret), { code: 'VAL_001', details: { issues: [{ path: 'secret' }] } }, secret)
    try {
      checkSecret(secret)
    } catch (error) {
      if (secret.length > 10) t.notOk((error as Error).message.includes(secret))
    }
  }
})
