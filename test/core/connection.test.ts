import t from 'tap'
import { isLoopbackHost } from '../../core/connection.js'

t.test('a host is this machine alone by its name or address, and by nothing that only begins or ends so', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.255.255.254', '::1', '[::1]']) t.ok(isLoopbackHost(host), host)
  for (const host of ['', '0.0.0.0', '::', '127.1', '127.0.0.1.example', '1127.0.0.1', 'localhost.example', 'notlocalhost', '[::1', '::11', '192.168.0.1', 'localhost\n']) t.notOk(isLoopbackHost(host), JSON.stringify(host))
})
