import { stat } from 'node:fs/promises'
import type { AgentExit, AgentHandle, Clock, LaunchRequest, Logger, OnSign, Spawner } from '../../../core/plugin-api.js'
import { adoptProcess, cleanProcess, startProcess, type Attend, type Attendant } from './agent-process.js'
import type { CliOptions } from './cli-options.js'
import { eventOf } from './json-lines.js'
import type { Launch } from './launch-script.js'
import { createLineSplitter } from './lines.js'
import { probeProgram } from './probe.js'
import { createProcessStarts } from './process-starts.js'
import { createReadings, type Readings } from './readings.js'
import { messageFor, type Session, type SessionOptions } from './session.js'

/** How long a CLI that hangs after its final word may take to end when it is asked. */
const HUNG_GRACE_MS = 5000
/** A moment, in ms since the epoch, that nobody waits for any more. */
const LONG_AGO = 0
/** Lines that are no events are kept for the reason of a failure. */
const LAST_WORDS = 3

/** What is different between coding agents. */
export interface Cli {
  /** Writes what the CLI reads into the agent's folder, and says how it is called. */
  prepare (request: LaunchRequest): Promise<Omit<Launch, 'program'>>
  session (options: SessionOptions): Session
  /** See `Spawner.first_sign_seconds`. */
  firstSignSeconds?: number
  /** See `Spawner.trial`. */
  trial? (address: string): Record<string, string>
}

export function createCliSpawner ({ prepare, session, firstSignSeconds, trial }: Cli, options: CliOptions, { log, clock }: { log: Logger, clock: Clock }): Spawner {
  const readings = createReadings(log)
  const starts = createProcessStarts()
  const attend = (path: string, onSign: OnSign, replayed = 0): Attend => (stop) =>
    attendSession(readings, path, { tell: onSign, now: clock }, session, { log, stop, resultMs: options.resultSeconds * 1000, replayed })
  return {
    supports: { adopt: true, signs: 'events' },
    ...(firstSignSeconds === undefined ? {} : { first_sign_seconds: firstSignSeconds }),
    ...(options.silenceSeconds === 0 ? {} : { silence_seconds: options.silenceSeconds }),
    async start (request) {
      const [command, ...first] = options.command
      const { args, ...rest } = await prepare(request)
      return await startProcess(starts, request, { ...rest, command: command!, args: [...first, ...args, ...options.arguments] }, attend(request.log_file, request.on_sign))
    },
    adopt: async (reference, { log_file: path, on_sign: onSign }) => await adoptProcess(reference, attend(path, onSign, await sizeOf(path))),
    clean: cleanProcess,
    probe: async (environment) => await probeProgram(options.command, environment),
    trial: (address) => trial?.(address),
    open: async () => starts.prepare(),
    async close () {
      await readings.close()
      await starts.close()
    }
  }
}

interface Supervised {
  log: Logger
  stop: AgentHandle['stop']
  resultMs: number
  /** So many bytes were written before it was adopted: how long ago nobody knows. */
  replayed: number
}

/** What is not there, or cannot be read, is not read again either. */
async function sizeOf (path: string): Promise<number> {
  return await stat(path).then(({ size }) => size, () => 0)
}

/** Reads the events of one CLI from its log, and ends it when it goes on after its final word. */
function attendSession (readings: Readings, path: string, options: SessionOptions, make: Cli['session'], { log, stop, resultMs, replayed }: Supervised): Attendant {
  let finalWord = false
  let hung = false
  let timer: NodeJS.Timeout | undefined
  const passedOver = { garbage: 0, cut: 0 }
  let toReplay = replayed
  const lastWords: string[] = []
  const tell: OnSign = (sign) => {
    finalWord ||= sign.kind === 'result'
    // A limit that was met then and does not say until when says nothing of now.
    if (toReplay > 0 && sign.kind === 'rate_limited' && sign.until === null) options.tell({ ...sign, until: LONG_AGO })
    else options.tell(sign)
  }
  // A wait is counted from when it was told: that, of what is read again, is not known.
  const session = make({ now: () => (toReplay > 0 ? LONG_AGO : options.now()), tell })
  const watchEnd = (): void => {
    if (!session.done) {
      clearTimeout(timer)
      timer = undefined
      return
    }
    timer ??= setTimeout(() => {
      hung = true
      log.info({ file: path }, 'an agent went on after its final word and is ended')
      stop({ graceMs: HUNG_GRACE_MS }).catch((error: unknown) => log.error({ file: path, reason: String(error) }, 'an agent that went on after its final word could not be ended'))
    }, resultMs).unref()
  }
  const splitter = createLineSplitter((line, cut) => {
    if (line.trim() === '') return
    if (cut) passedOver.cut++
    const event = cut ? undefined : eventOf(line)
    if (event === undefined) {
      passedOver.garbage++
      lastWords.push(messageFor(line))
      if (lastWords.length > LAST_WORDS) lastWords.shift()
      return
    }
    options.tell({ kind: 'alive' })
    session.read(event)
    watchEnd()
  })
  const reading = readings.start(path, {
    onBytes (chunk) {
      splitter.push(chunk)
      toReplay -= chunk.length
    },
    onRestart () {
      splitter.reset()
      toReplay = 0
    },
    onClose: () => clearTimeout(timer)
  })
  return {
    async finish (exit) {
      await reading.finish()
      splitter.end()
      clearTimeout(timer)
      session.end?.(exit)
      if (!finalWord) options.tell({ kind: 'result', status: 'failed', text: ['The agent ended without a result', describe(exit), ...lastWords].join(': ') })
      if (passedOver.garbage > 0) log.debug({ file: path, ...passedOver }, 'lines of an agent that are no events were passed over')
      return hung ? { ...exit, hung: true } : exit
    }
  }
}

function describe ({ code, signal }: AgentExit): string {
  if (signal !== null) return `ended by ${signal}`
  return code === null ? 'its exit code is not known' : `exit code ${code}`
}
