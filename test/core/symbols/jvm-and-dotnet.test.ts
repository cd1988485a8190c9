import t from 'tap'
import { symbolsOf } from './symbols-of.js'

t.test('Java', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('java', String.raw`package com.acme.store;

import java.util.*;
import static com.acme.Util.check;

/**
 * Keeps entries.
 */
@Singleton
@Named("store")
public final class Store<T extends Entry> extends Base implements Closeable {
  public static final int LIMIT = 10;
  private final Map<String, T> entries = new HashMap<>(), other;

  /** For the container. */
  @Inject
  public Store(Config config) {
    super(config);
  }

  @Override public Optional<T> get(
      String key,
      int limit) throws IOException {
    // inside
    Runnable task = () -> check(key);
    return Optional.ofNullable(entries.get(key).value);
  }

  abstract void flush();

  enum Level { LOW, HIGH { @Override int by() { return 1; } }; int by() { return 0; } }

  record Pair(String left, String right) {}

  interface Listener { void changed(Event event); }
}

@interface Traced { String value() default ""; }
`)
  t.strictSame(definitions, [
    'class Store 5 10 10 35',
    'field Store.LIMIT 11 11 11 11',
    'field Store.entries 12 12 12 12',
    'field Store.other 12 12 12 12',
    'method Store.Store 14 16 16 18',
    'method Store.get 20 20 22 26',
    'method Store.flush 28 28 28 28',
    'enum Store.Level 30 30 30 30',
    'constant Store.Level.LOW 30 30 30 30',
    'constant Store.Level.HIGH 30 30 30 30',
    'method Store.Level.HIGH.by 30 30 30 30',
    'method Store.Level.by 30 30 30 30',
    'class Store.Pair 32 32 32 32',
    'interface Store.Listener 34 34 34 34',
    'method Store.Listener.changed 34 34 34 34',
    'interface Traced 37 37 37 37',
    'method Traced.value 37 37 37 37'
  ])
  t.strictSame(imports, ['java.util.*', 'com.acme.Util.check'])
  t.strictSame(references, 'Singleton Named T Entry Base Closeable Map String HashMap Inject Config Override Optional IOException Runnable check ofNullable Event')
  t.strictSame(stripped, ['/**', '* Keeps entries.', '*/', '/** For the container. */', '// inside'])
})

t.test('Kotlin', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('kotlin', String.raw`package com.acme.store

import kotlin.math.max
import com.acme.Base as B

const val LIMIT = 10

/** Keeps entries. */
@Singleton
data class Store<T>(
    val name: String,
    size: Int,
) : Base(), Closable where T : Entry {
    private val entries = mutableMapOf<String, T>()

    @Inject
    lateinit var log: Logger

    constructor(size: Int) : this("x", size)

    // Finds one.
    override suspend fun get(
        key: String,
        limit: Int = LIMIT,
    ): T? {
        fun visit() {}
        val text = """
// not a comment

"""
        return find(Query(text)).first
    }

    companion object {
        fun open() = Store<Entry>(1)
    }
}

interface Closable { fun close() }

enum class Level(val by: Int) {
    LOW(1),
    HIGH(2)
}

object Registry
fun String.ext(a: Int): Int = max(a, length)
typealias Key = String
`)
  t.strictSame(definitions, [
    'constant LIMIT 5 5 5 5',
    'class Store 7 9 12 36',
    'field Store.name 10 10 10 10',
    'field Store.entries 13 13 13 13',
    'field Store.log 15 16 16 16',
    'method Store.constructor 18 18 18 18',
    'method Store.get 20 21 24 31',
    'function Store.get.visit 25 25 25 25',
    'class Store.Companion 33 33 33 35',
    'method Store.Companion.open 34 34 34 34',
    'interface Closable 38 38 38 38',
    'method Closable.close 38 38 38 38',
    'enum Level 40 40 40 43',
    'field Level.by 40 40 40 40',
    'constant Level.LOW 41 41 41 41',
    'constant Level.HIGH 42 42 42 42',
    'class Registry 45 45 45 45',
    'function ext 46 46 46 46',
    'type Key 47 47 47 47'
  ])
  t.strictSame(imports, ['kotlin.math.max', 'com.acme.Base'])
  t.strictSame(references, 'max Base B Singleton T String Int Entry mutableMapOf Inject Logger find Query first')
  t.strictSame(stripped, ['/** Keeps entries. */', '// Finds one.'])
})

t.test('C#', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('csharp', String.raw`using System;
using static System.Math;
using Alias = Acme.Other;

namespace Acme.Store;

/// <summary>Keeps entries.</summary>
[Serializable]
public sealed class Store<T> : Base, IClosable where T : Entry
{
    private readonly int _limit = 10, _count;
    public string Name { get; set; } = "x";
    public event EventHandler Changed;

    public Store(Config config) : base(config) { }

    [Traced]
    public async Task<T> Get(
        string key,
        CancellationToken token)
    {
        // inside
        void Local() { Helper.Run(); }
        var text = @"
// not a comment

";
        return await _reader.ReadAsync(new Request<T>(key));
    }

    public int this[int index] => index;
    public delegate void Handler(Event e);
}

public interface IClosable { void Close(); int Count { get; } }
public record Pair(string Left, string Right);
enum Level { Low, High = 10 }
`)
  t.strictSame(definitions, [
    'module Acme.Store 4 4 4 4',
    'class Store 6 8 8 32',
    'field Store._limit 10 10 10 10',
    'field Store._count 10 10 10 10',
    'field Store.Name 11 11 11 11',
    'field Store.Changed 12 12 12 12',
    'method Store.Store 14 14 14 14',
    'method Store.Get 16 17 19 28',
    'function Store.Get.Local 21 22 22 22',
    'method Store.this 30 30 30 30',
    'type Store.Handler 31 31 31 31',
    'interface IClosable 34 34 34 34',
    'method IClosable.Close 34 34 34 34',
    'field IClosable.Count 34 34 34 34',
    'class Pair 35 35 35 35',
    'enum Level 36 36 36 36',
    'constant Level.Low 36 36 36 36',
    'constant Level.High 36 36 36 36'
  ])
  t.strictSame(imports, ['System', 'System.Math', 'Acme.Other'])
  t.strictSame(references, 'Math Other Serializable Base Entry EventHandler Config Traced Task T CancellationToken Helper Run ReadAsync Request Event')
  t.strictSame(stripped, ['/// <summary>Keeps entries.</summary>', '// inside'])
})
