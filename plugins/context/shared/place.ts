import type { ProjectFile } from '../../../core/plugin-api.js'
import { wordsOf } from './words.js'

/** A file as rules look at it. */
export interface Place {
  readonly file: ProjectFile
  /** A number below `room` of its index, the same from index to index: what is known of all places lies in arrays. */
  readonly position: number
  /** Lower case, as are `name` and `folders`: `Dockerfile` and `dockerfile` are the same thing to a rule. */
  readonly path: string
  readonly name: string
  readonly folders: readonly string[]
  /** Words of the name without its last extension. */
  readonly nameWords: readonly string[]
  readonly folderWords: readonly string[]
}

interface Folder {
  readonly folders: readonly string[]
  readonly words: readonly string[]
}

/** Makes places; folders are split once, however many files they hold. */
export function createPlaces (): (file: ProjectFile, position: number) => Place {
  const known = new Map<string, Folder>()
  const words = new Map<string, string>()
  const all = new Map<string, readonly string[]>()

  /** The same words of the same name, and the same string for the same word, however many files have it. */
  function shared (text: string): readonly string[] {
    const found = wordsOf(text)
    const key = found.join(' ')
    let list = all.get(key)
    if (list === undefined) {
      list = found.map(word => {
        const one = words.get(word) ?? word
        words.set(one, one)
        return one
      })
      all.set(key, list)
    }
    return list
  }

  function folderOf (path: string): Folder {
    let folder = known.get(path)
    if (folder === undefined) {
      folder = { folders: path === '' ? [] : path.toLowerCase().split('/'), words: [...new Set(shared(path))] }
      known.set(path, folder)
    }
    return folder
  }

  return (file, position) => {
    const cut = file.path.lastIndexOf('/')
    const name = file.path.slice(cut + 1)
    const folder = folderOf(cut < 0 ? '' : file.path.slice(0, cut))
    const dot = name.lastIndexOf('.')
    return {
      file,
      position,
      path: file.path.toLowerCase(),
      name: name.toLowerCase(),
      folders: folder.folders,
      nameWords: shared(dot > 0 ? name.slice(0, dot) : name),
      folderWords: folder.words
    }
  }
}
