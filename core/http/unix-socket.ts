import { chmod, lstat, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../config/settings.js'
import { FILE_MODE } from '../durable-file.js'
import { codeOf, messageOf, startError } from '../errors.js'
import { tellOfDrops } from './address-bound.js'
import { createHttpServer } from './http-server.js'
import { refuseMalformed } from './hygiene.js'

/** What `sockaddr_un` of the smallest system holds (macOS: 104 bytes), with its end. */
const MAX_PATH_BYTES = 103
const OTHERS = 0o177

/** Serves the same routes on a unix socket that only its owner may open. A socket that a crash left is removed, anything else in its place is not. */
export async function listenOnSocket (app: FastifyInstance, path: string, settings: Pick<Settings, 'requests' | 'tls'>): Promise<Server> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw fault(path, `the path is longer than ${MAX_PATH_BYTES} bytes`)
  await clear(path)
  const server = createHttpServer(settings, app.routing)
  server.on('drop', tellOfDrops(app.log))
  server.on('clientError', (error, socket) => { refuseMalformed(error, socket as Socket) })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => { reject(fault(path, messageOf(error), error)) })
    // Bound within this turn: so it is closed to others from the beginning.
    const before = process.umask(OTHERS)
    try {
      server.listen(path, resolve)
    } finally {
      process.umask(before)
    }
  })
  await chmod(path, FILE_MODE)
  return server
}

async function clear (path: string): Promise<void> {
  const facts = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw fault(path, messageOf(error), error)
  })
  if (facts === undefined) return
  if (!facts.isSocket()) throw fault(path, 'there is something else in its place')
  if (process.getuid !== undefined && facts.uid !== process.getuid()) throw fault(path, 'it belongs to another user')
  if (await isAnswered(path)) throw fault(path, 'another program listens there')
  await rm(path, { force: true })
}

async function isAnswered (path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Refused: nobody is behind it any more.
    socket.once('error', () => { resolve(false) })
  })
}

function fault (path: string, why: string, cause?: unknown): Error {
  return startError('SIDECAR_ERR_LISTEN', `The sidecar cannot listen on the socket ${path}: ${why.replace(/\.$/, '')}.`, cause === undefined ? {} : { cause })
}
