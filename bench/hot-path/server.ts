import { fileURLToPath } from 'node:url'
import { boundGarbage } from '../../cli/server/heap-growth.js'
import { startAskedSidecar } from '../shared/asked-sidecar.js'
import { processor } from '../shared/processor.js'
import { answerCalls } from '../speed/child.js'
import type { Link } from './links.js'

const [folder, text] = process.argv.slice(2) as [string, string]
const links = new Set(JSON.parse(text) as Link[])
// As the program does.
boundGarbage()
const { address } = await startAskedSidecar(folder, {
  tokens: links.has('token'),
  flags: {
    'log-level': links.has('log') ? 'info' : 'silent',
    'log-requests': String(links.has('log')),
    'rate-limit-enabled': String(links.has('limits')),
    'overload-enabled': String(links.has('overload')),
    ...(links.has('cors') ? { 'cors-origins': 'https://dashboard.example' } : {})
  },
  plugins: [
    { use: 'event-bus/memory' },
    { use: fileURLToPath(new URL('./echo.js', import.meta.url)) },
    ...(links.has('metrics') ? [] : [{ use: 'http/metrics', enabled: false }])
  ]
})

const handlers = { address, processor }

export type HotPathCalls = typeof handlers

answerCalls(handlers)
