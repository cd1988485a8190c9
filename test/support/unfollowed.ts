import hooks from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Imported before tap, which else follows every promise and timer to tell in which test an error was thrown that nobody
 * caught: for tests that make many promises half of their time. Without it such an error ends the file, which fails.
 */
const { createHook } = hooks
const unfollowing = { enable () { return this }, disable () { return this } }
hooks.createHook = (callbacks) => callbacks.destroy !== undefined ? unfollowing : createHook(callbacks)
syncBuiltinESMExports()
