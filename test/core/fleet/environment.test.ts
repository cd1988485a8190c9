import t from 'tap'
import { trustVariables } from '../../../core/fleet/environment.js'

t.test('an agent is told of the certificate of its sidecar, and loses no authority by it', (t) => {
  t.strictSame(trustVariables(undefined, {}), {})
  t.strictSame(trustVariables('/tls/cert.pem', {}), { SIDECAR_CA: '/tls/cert.pem', NODE_EXTRA_CA_CERTS: '/tls/cert.pem' })
  t.strictSame(trustVariables('/tls/cert.pem', { NODE_EXTRA_CA_CERTS: '/company/ca.pem' }), { SIDECAR_CA: '/tls/cert.pem' }, 'what its user has named stays')
  t.end()
})
