import { open, readFile, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { AuditAction, AuditEntry, AuditLog, AuditOutcome, AuditStatistics, Clock, Logger } from '../contracts/index.js'
import { FILE_MODE, makeDirectory, syncDirectory } from '../durable-file.js'
import { apiError, codeOf, messageOf } from '../errors.js'
import { fileName, listFiles } from './files.js'
import { HeadFile } from './head.js'
import { recoverEnd, type LogEnd } from './recover.js'
import { decodeRecord, encodeRecord, linesOf, type Link } from './record.js'

export interface AuditLogOptions {
  directory: string
  /** Size at which a new file is begun. */
  fileBytes: number
  retentionDays: number
  clock: Clock
  log: Logger
}

interface Waiting { entry: AuditEntry, time: string, resolve (): void, reject (error: Error): void }

/** More cannot be kept in memory while the disk takes nothing. */
const MAX_WAITING = 10_000
const MAX_BATCH = 1000
const RETRY_MS = 1000
const DAY_MS = 86_400_000
/** The current file, and one to go on from when its first lines are damaged. */
const LEAST_FILES = 2

/** Opens the log in its folder, which is made; goes on where it ended. */
export async function openAuditLog (options: AuditLogOptions): Promise<AuditLog> {
  await makeDirectory(options.directory)
  const end = await recoverEnd(options.directory)
  const log = new FileAuditLog(options, end, await HeadFile.open(options.directory))
  if (end.repair !== undefined) {
    options.log.warn(end.repair, 'the audit log does not end where it should; see cco audit verify')
    log.note({ action: 'audit.repaired', outcome: 'success', actor: 'sidecar', details: end.repair })
  }
  return log
}

/**
 * Records in files of JSON lines, each with the hash of the one before. What gathers while one sync runs is written and synced
 * together. What cannot be written is kept, and written again from where the file was sound: nothing that was chained is ever left out.
 */
class FileAuditLog implements AuditLog {
  readonly #options: AuditLogOptions
  readonly #head: HeadFile
  readonly #counts = new Map<string, { action: AuditAction, outcome: AuditOutcome, count: number }>()
  #waiting: Waiting[] = []
  #link: Link
  #file: number
  #size: number
  #handle: FileHandle | undefined
  #running: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #failing: string | undefined
  #failures = 0
  #lost = 0
  #untold = 0
  #closing: Promise<void> | undefined

  constructor (options: AuditLogOptions, { seq, hash, file, size }: LogEnd, head: HeadFile) {
    this.#options = options
    this.#head = head
    this.#link = { seq, hash }
    this.#file = file
    this.#size = size
  }

  get failing (): string | undefined {
    return this.#failing
  }

  record (entry: AuditEntry): Promise<void> {
    return new Promise((resolve, reject) => { this.#add(entry, resolve, reject) })
  }

  note (entry: AuditEntry): void {
    this.#add(entry, () => {}, () => {})
  }

  statistics (): AuditStatistics {
    return { records: [...this.#counts.values()].map((count) => ({ ...count })), write_failures: this.#failures, pending: this.#waiting.length, lost: this.#lost }
  }

  close (): Promise<void> {
    this.#closing ??= (async () => {
      clearTimeout(this.#retry)
      await this.#running
      // What waits for a disk gets one more chance.
      if (this.#waiting.length > 0) await this.#run()
      clearTimeout(this.#retry)
      if (this.#waiting.length > 0) this.#options.log.error({ records: this.#waiting.length }, 'records of the audit log could not be written and are lost')
      await this.#handle?.close()
      await this.#head.close()
      this.#options.log.info({ seq: this.#link.seq, hash: this.#link.hash }, 'audit log closed')
    })()
    return this.#closing
  }

  #add (entry: AuditEntry, resolve: () => void, reject: (error: Error) => void): void {
    if (this.#closing !== undefined) {
      reject(unwritten('it is closed'))
      return
    }
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lost++
      this.#untold++
      reject(unwritten('too many records wait'))
      return
    }
    this.#waiting.push({ entry, time: new Date(this.#options.clock()).toISOString(), resolve, reject })
    this.#running ??= this.#run()
  }

  async #run (): Promise<void> {
    clearTimeout(this.#retry)
    while (this.#waiting.length > 0) {
      // What is recorded in this turn of the event loop is synced together.
      await setImmediate()
      try {
        await this.#commit()
      } catch (error) {
        this.#fail(error)
        break
      }
    }
    this.#running = undefined
  }

  #fail (error: unknown): void {
    this.#failures++
    const reason = messageOf(error)
    if (this.#failing === undefined) this.#options.log.error({ reason, records: this.#waiting.length }, 'the audit log cannot be written')
    this.#failing = reason
    // Told, and kept: the act has been done.
    for (const waiting of this.#waiting) waiting.reject(unwritten(reason))
    if (this.#closing !== undefined) return
    this.#retry = setTimeout(() => { this.#running ??= this.#run() }, RETRY_MS)
    this.#retry.unref()
  }

  /** Writes the next batch and has it synced, or takes it back. */
  async #commit (): Promise<void> {
    const handle = await this.#open()
    const told = this.#untold
    if (told > 0) {
      const time = new Date(this.#options.clock()).toISOString()
      this.#waiting.unshift({ entry: { action: 'audit.lost', outcome: 'failed', actor: 'sidecar', count: told }, time, resolve () {}, reject () {} })
      this.#untold = 0
    }
    const batch = this.#waiting.slice(0, MAX_BATCH)
    let link = this.#link
    let text = ''
    for (const { entry, time } of batch) {
      const encoded = encodeRecord(entry, time, link)
      link = encoded.link
      text += encoded.line
    }
    const bytes = Buffer.from(text)
    for (let written = 0; written < bytes.length;) {
      written += (await handle.write(bytes, written, bytes.length - written, this.#size + written)).bytesWritten
    }
    await handle.datasync()
    this.#size += bytes.length
    this.#link = link
    this.#failing = undefined
    this.#waiting.splice(0, batch.length)
    for (const { entry, resolve } of batch) {
      this.#count(entry)
      resolve()
    }
    await this.#head.write({ ...link, file: this.#file }).catch((error: unknown) => {
      // The records are durable: only a cut of them would not be missed until the next ones are written.
      this.#failures++
      this.#options.log.warn({ reason: messageOf(error) }, 'the head of the audit log could not be written')
    })
  }

  #count ({ action, outcome }: AuditEntry): void {
    const key = `${action} ${outcome}`
    const counted = this.#counts.get(key) ?? { action, outcome, count: 0 }
    counted.count++
    this.#counts.set(key, counted)
  }

  /** The file to write to, without what a failed write may have left in it. */
  async #open (): Promise<FileHandle> {
    if (this.#handle !== undefined && this.#size >= this.#options.fileBytes) await this.#rotate(this.#handle)
    if (this.#handle === undefined) {
      const path = this.#path(this.#file)
      this.#handle = await open(path, 'r+').catch(async (error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error
        return await open(path, 'wx+', FILE_MODE)
      })
      await syncDirectory(this.#options.directory)
    }
    if ((await this.#handle.stat()).size !== this.#size) await this.#handle.truncate(this.#size)
    return this.#handle
  }

  async #rotate (handle: FileHandle): Promise<void> {
    await handle.close()
    this.#handle = undefined
    this.#file++
    this.#size = 0
    // Beside the writing: a file that cannot be removed is one for the next time.
    this.#prune().catch((error: unknown) => { this.#options.log.warn({ reason: messageOf(error) }, 'old files of the audit log could not be removed') })
  }

  /** Removes files beyond their retention. The chain says first where it begins from then on, so that verifying knows the beginning from a cut. */
  async #prune (): Promise<void> {
    const { directory, retentionDays, clock } = this.#options
    const files = await listFiles(directory)
    const old: number[] = []
    for (const file of files.slice(0, -LEAST_FILES)) {
      if ((await stat(this.#path(file))).mtimeMs >= clock() - retentionDays * DAY_MS) break
      old.push(file)
    }
    const kept = files[old.length]
    if (old.length === 0 || kept === undefined) return
    const [first] = linesOf(await readFile(this.#path(kept)))
    const record = first === undefined ? undefined : decodeRecord(first.line)
    // What is damaged is left for somebody to look at.
    if (record === undefined) return
    await this.record({ action: 'audit.pruned', outcome: 'success', actor: 'sidecar', details: { files: old.map(fileName), first_seq: record.seq } })
    for (const file of old) await rm(this.#path(file))
  }

  #path (file: number): string {
    return join(this.#options.directory, fileName(file))
  }
}

function unwritten (reason: string): Error {
  return apiError('STR_001', `The audit log could not be written: ${reason.replace(/\.$/, '')}.`)
}
