import t from 'tap'
import { symbolsOf } from './symbols-of.js'

t.test('Swift', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('swift', String.raw`import Foundation
@testable import Acme.Store

let limit = 10

/// Keeps entries.
@MainActor
public final class Store<T>: Base, Closable where T: Entry {
    @Published var name: String = "x"
    let a = 1, b = 2
    var size: Int { entries.count }

    init(config: Config) {
        self.name = config.name
    }

    /// Finds one.
    @discardableResult
    func get(
        _ key: String,
        limit: Int = 1
    ) async throws -> T? {
        // inside
        func visit() {}
        let text = """
        // not a comment

        """
        return entries.first(Query(text))
    }
}

struct Pair { var left: Int }
enum Level: String { case low, high; case other(Int); func label() -> String { "" } }
protocol Closable { func close() }
extension Store: Equatable {
    func reset() {}
}
typealias Key = String
func helper() {}
`)
  t.strictSame(definitions, [
    'constant limit 3 3 3 3',
    'class Store 5 7 7 30',
    'field Store.name 8 8 8 8',
    'field Store.a 9 9 9 9',
    'field Store.b 9 9 9 9',
    'field Store.size 10 10 10 10',
    'method Store.init 12 12 12 14',
    'method Store.get 16 18 21 29',
    'function Store.get.visit 22 23 23 23',
    'class Pair 32 32 32 32',
    'field Pair.left 32 32 32 32',
    'enum Level 33 33 33 33',
    'constant Level.low 33 33 33 33',
    'constant Level.high 33 33 33 33',
    'constant Level.other 33 33 33 33',
    'method Level.label 33 33 33 33',
    'interface Closable 34 34 34 34',
    'method Closable.close 34 34 34 34',
    'section Store 35 35 35 37',
    'method Store.reset 36 36 36 36',
    'type Key 38 38 38 38',
    'function helper 39 39 39 39'
  ])
  t.strictSame(imports, ['Foundation', 'Acme.Store'])
  t.strictSame(references, 'testable MainActor T Base Entry Published String Int count Config discardableResult first Query Equatable')
  t.strictSame(stripped, ['/// Keeps entries.', '/// Finds one.', '// inside'])
})

t.test('Dart', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('dart', String.raw`import 'dart:io';
import 'package:acme/base.dart' as base;
export 'src/entry.dart' show Entry;
part 'store.g.dart';

const limit = 10;

/// Keeps entries.
@immutable
abstract class Store<T> extends Base with Loggable implements Closable {
  final int size; static const first = 1;
  String? name = 'x';

  Store(this.size, {required this.name});
  Store.named() : size = 1;
  factory Store.of() => MemoryStore();

  /// Finds one.
  @override
  Future<T?> get(
    String key, {
    int limit = 1,
  }) async {
    // inside
    final text = '''
// not a comment

''';
    return find(Query(text)).first();
  }

  int get length => 1;
  set value(int v) {}
  void flush();
}

mixin Loggable on Base { void log() {} }
enum Level { low, high }
extension Names on String { int size() => 1; }
typedef Handler = void Function(int);

void main() {
  runApp(App());
}
`)
  t.strictSame(definitions, [
    'constant limit 5 5 5 5',
    'class Store 7 9 9 34',
    'field Store.size 10 10 10 10',
    'field Store.first 10 10 10 10',
    'field Store.name 11 11 11 11',
    'method Store.Store 13 13 13 13',
    'method Store.named 14 14 14 14',
    'method Store.of 15 15 15 15',
    'method Store.get 17 19 22 29',
    'method Store.length 31 31 31 31',
    'method Store.value 32 32 32 32',
    'method Store.flush 33 33 33 33',
    'class Loggable 36 36 36 36',
    'method Loggable.log 36 36 36 36',
    'enum Level 37 37 37 37',
    'constant Level.low 37 37 37 37',
    'constant Level.high 37 37 37 37',
    'section Names 38 38 38 38',
    'method Names.size 38 38 38 38',
    'type Handler 39 39 39 39',
    'function main 41 41 41 43'
  ])
  t.strictSame(imports, ['dart:io', 'package:acme/base.dart', 'src/entry.dart', 'store.g.dart'])
  t.strictSame(references, 'immutable T Base Closable int String MemoryStore override Future find Query runApp App')
  t.strictSame(stripped, ['/// Keeps entries.', '/// Finds one.', '// inside'])
})
