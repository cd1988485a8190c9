import t from 'tap'
import { symbolsOf } from './symbols-of.js'

t.test('C', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('c', String.raw`#ifndef STORE_H
#define STORE_H
#include <stdio.h>
#include "store/entry.h"

#define LIMIT 10
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* An entry. */
typedef struct entry {
  char *key, buffer[16];
  int (*read)(struct entry *self, size_t n);
} entry_t;

enum level { LOW, HIGH = 10 };

struct fwd;
typedef unsigned int id_t;

extern int count;
static const char *names[] = {
  "// not a comment",
  "b"
};

int store_open(const char *path);

// Opens it.
static entry_t *
store_find (struct store *store,
            const char *key)
{
  if (store->entries == NULL) return (entry_t *) NULL;
  return lookup(store, MAX(1, LIMIT));
}

#ifdef _WIN32
int store_close(struct store *s) { return 0; }
#endif
#endif
`)
  t.strictSame(definitions, [
    'macro LIMIT 5 5 5 5',
    'macro MAX 6 6 6 6',
    'class entry_t 8 9 9 12',
    'class entry_t.entry 9 9 9 9',
    'field entry_t.key 10 10 10 10',
    'field entry_t.buffer 10 10 10 10',
    'field entry_t.read 11 11 11 11',
    'enum level 14 14 14 14',
    'constant level.LOW 14 14 14 14',
    'constant level.HIGH 14 14 14 14',
    'type id_t 17 17 17 17',
    'constant count 19 19 19 19',
    'constant names 20 20 20 23',
    'function store_open 25 25 25 25',
    'function store_find 27 28 30 34',
    'function store_close 37 37 37 37'
  ])
  t.strictSame(imports, ['stdio.h', 'store/entry.h'])
  t.strictSame(references, 'fwd store entries lookup')
  t.strictSame(stripped, ['/* An entry. */', '// Opens it.'])
})

t.test('C++', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('cpp', String.raw`#include <vector>
#include "store.hpp"

namespace acme::store {

/// Keeps entries.
template <typename T>
class Store final : public Base<T>, private Closable {
 public:
  explicit Store(Config config) : config_(config) {}
  ~Store();
  virtual Entry* get(const std::string& key) const = 0;
  bool operator==(const Store& other) const;
  static int count;
  using Key = std::string;
  enum class Level { Low, High };

 private:
  Config config_;
  std::vector<T> entries_ = {}, other_;
};

struct Options { int limit = 1; };

}  // namespace acme::store

void Store::open(int flags) {
  auto visit = [](int x) { return x; };
  const char* text = R"(
// not a comment

)";
  std::make_unique<Node>(text);
  log->info(visit(flags));
}

template <class T>
T max(T a, T b) { return a; }

constexpr int LIMIT = 10;
extern "C" {
int c_api(int);
}
`)
  t.strictSame(definitions, [
    'module acme::store 3 3 3 24',
    'class acme::store.Store 5 6 7 20',
    'method acme::store.Store.Store 9 9 9 9',
    'method acme::store.Store.~Store 10 10 10 10',
    'method acme::store.Store.get 11 11 11 11',
    'method acme::store.Store.operator== 12 12 12 12',
    'field acme::store.Store.count 13 13 13 13',
    'type acme::store.Store.Key 14 14 14 14',
    'enum acme::store.Store.Level 15 15 15 15',
    'constant acme::store.Store.Level.Low 15 15 15 15',
    'constant acme::store.Store.Level.High 15 15 15 15',
    'field acme::store.Store.config_ 18 18 18 18',
    'field acme::store.Store.entries_ 19 19 19 19',
    'field acme::store.Store.other_ 19 19 19 19',
    'class acme::store.Options 22 22 22 22',
    'field acme::store.Options.limit 22 22 22 22',
    'method open 26 26 26 34',
    'function max 36 36 37 37',
    'constant LIMIT 39 39 39 39',
    'function c_api 41 41 41 41'
  ])
  t.strictSame(imports, ['vector', 'store.hpp'])
  t.strictSame(references, 'T Base Closable Config Entry string vector make_unique Node info visit')
  t.strictSame(stripped, ['/// Keeps entries.'])
})
