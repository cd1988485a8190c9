/** Values under paths of the same length; the members of a path may be any text and are never joined. */
export interface KeyTree<Value> {
  get (path: readonly string[]): Value | undefined
  set (path: readonly string[], value: Value): void
  delete (path: readonly string[]): void
  /** All values whose path begins so; `undefined` stands for any member. */
  below (path: readonly (string | undefined)[]): Value[]
}

interface Branch<Value> {
  value?: Value
  children: Map<string, Branch<Value>> | undefined
}

export function createKeyTree<Value> (): KeyTree<Value> {
  const root: Branch<Value> = { children: undefined }

  const collect = (branch: Branch<Value>, path: readonly (string | undefined)[], depth: number, found: Value[]): void => {
    if (branch.value !== undefined) found.push(branch.value)
    const member = path[depth]
    const children = member === undefined ? branch.children?.values() ?? [] : [branch.children?.get(member)]
    for (const child of children) {
      if (child !== undefined) collect(child, path, depth + 1, found)
    }
  }

  const remove = (branch: Branch<Value>, path: readonly string[], depth: number): void => {
    const member = path[depth]
    if (member === undefined) {
      delete branch.value
      return
    }
    const child = branch.children?.get(member)
    if (child === undefined) return
    remove(child, path, depth + 1)
    if (child.value !== undefined || child.children !== undefined) return
    branch.children!.delete(member)
    if (branch.children!.size === 0) branch.children = undefined
  }

  return {
    get (path) {
      let branch: Branch<Value> | undefined = root
      for (const member of path) branch = branch?.children?.get(member)
      return branch?.value
    },
    set (path, value) {
      let branch = root
      for (const member of path) {
        branch.children ??= new Map()
        let child = branch.children.get(member)
        if (child === undefined) branch.children.set(member, child = { children: undefined })
        branch = child
      }
      branch.value = value
    },
    delete: (path) => remove(root, path, 0),
    below (path) {
      const found: Value[] = []
      collect(root, path, 0, found)
      return found
    }
  }
}
