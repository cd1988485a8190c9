#!/usr/bin/env node
import { run } from './program.js'
import { endWhenUnread } from './unread-output.js'

endWhenUnread()
process.exitCode = await run(process.argv.slice(2))
