/// A value that most owners lack: it takes a word in them, and a place of its own where it is there.
///
/// Thousands of grants are kept; few were approved or used, or have a word of intent.
@propertyWrapper
package struct Rare<Value: Equatable & Sendable>: Equatable, Sendable {
  private final class Place: Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
  }

  private var place: Place?

  package init(wrappedValue: Value?) { place = wrappedValue.map(Place.init) }

  package var wrappedValue: Value? {
    get { place?.value }
    set { place = newValue.map(Place.init) }
  }

  package static func == (left: Rare, right: Rare) -> Bool {
    left.place === right.place || left.wrappedValue == right.wrappedValue
  }
}
