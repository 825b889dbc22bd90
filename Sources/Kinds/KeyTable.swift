/// A hash table from keys that are hashes already, never 0, to numbers: open addressing with
/// linear steps, at most 85 % full, a key and a value a slot and nothing else.
package struct KeyTable<Value: FixedWidthInteger & UnsignedInteger> {
  package private(set) var count = 0
  private var keys: [UInt64]
  private var values: [Value]

  /// With room for this many before it grows.
  package init(room: Int = 0) {
    let slots = max(64, room + room / 4)
    keys = Array(repeating: 0, count: slots)
    values = Array(repeating: 0, count: slots)
  }

  private func home(_ key: UInt64) -> Int {
    Int(key.multipliedFullWidth(by: UInt64(keys.count)).high)
  }

  private func next(_ slot: Int) -> Int { slot &+ 1 == keys.count ? 0 : slot &+ 1 }

  /// The slot of `key`, or the empty one where it would go.
  private func slot(_ key: UInt64) -> Int {
    var slot = home(key)
    while keys[slot] != 0, keys[slot] != key { slot = next(slot) }
    return slot
  }

  /// Nil when there is no such key.
  package subscript(_ key: UInt64) -> Value? {
    let slot = slot(key)
    return keys[slot] == key ? values[slot] : nil
  }

  package mutating func set(_ key: UInt64, _ value: Value) {
    var at = slot(key)
    if keys[at] == 0 {
      if (count + 1) * 20 > keys.count * 17 {
        grow()
        at = slot(key)
      }
      keys[at] = key
      count += 1
    }
    values[at] = value
  }

  package mutating func remove(_ key: UInt64) {
    let slot = slot(key)
    if keys[slot] == key { empty(slot) }
  }

  /// Removes each value for which `stays` is false.
  package mutating func keep(where stays: (Value) -> Bool) {
    var slot = 0
    while slot < keys.count {
      if keys[slot] != 0, !stays(values[slot]) { empty(slot) } else { slot += 1 }
    }
  }

  package func forEach<Failure>(
    _ body: (UInt64, Value) throws(Failure) -> Void
  ) throws(Failure) {
    for slot in keys.indices where keys[slot] != 0 { try body(keys[slot], values[slot]) }
  }

  /// Empties a slot and moves up those behind it that would no longer be found.
  private mutating func empty(_ slot: Int) {
    var hole = slot
    var at = next(slot)
    while keys[at] != 0 {
      let home = home(keys[at])
      let reachable = hole <= at ? (home > hole && home <= at) : (home > hole || home <= at)
      if !reachable {
        keys[hole] = keys[at]
        values[hole] = values[at]
        hole = at
      }
      at = next(at)
    }
    keys[hole] = 0
    values[hole] = 0
    count -= 1
  }

  private mutating func grow() {
    var larger = KeyTable(room: 0)
    let slots = keys.count + keys.count * 2 / 5
    larger.keys = Array(repeating: 0, count: slots)
    larger.values = Array(repeating: 0, count: slots)
    forEach { larger.set($0, $1) }
    self = larger
  }
}
