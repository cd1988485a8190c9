import type { Logger } from '../contracts/common.js'

/** A logger that says nothing. */
export const silentLog: Logger = Object.freeze({ debug () {}, info () {}, warn () {}, error () {} })
