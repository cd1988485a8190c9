import t from 'tap'
import type { LaunchRequest } from '../../../../core/contracts/index.js'
import { taskText } from '../../../../plugins/spawners/shared/task-text.js'

t.test('the call that an agent is shown verifies the sidecar by its certificate, where it has one of its own', (t) => {
  const shown = (environment: Record<string, string>): string | undefined => /\| (curl .*?) -H/.exec(taskText({ task: 'Do it', environment } as LaunchRequest, { calls: true }))?.[1]
  t.equal(shown({}), 'curl -sS')
  t.equal(shown({ SIDECAR_CA: '/tls/cert.pem' }), 'curl -sS --cacert "$SIDECAR_CA"')
  t.end()
})
