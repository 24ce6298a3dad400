import type { ObjectStore } from './object-store.ts'

/**
 * The same store with some methods replaced. A store is an instance of a class with private fields, so copying its
 * properties into a new object would lose its methods.
 */
export function overrideStore(store: ObjectStore, methods: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
