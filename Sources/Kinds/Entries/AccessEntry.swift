package import ByteText

/// One right that a state of entries gives: a sudo rule, a key, an account's way in, a file of
/// polkit's rules, a privilege that a connector reports.
///
/// All texts are escaped as `ByteText.escaped` does and hold no line feed.
package struct AccessEntry: Hashable, Sendable {
  /// What makes two entries of a kind the same.
  package struct Key: Hashable, Sendable {
    package var subject: String
    package var object: String
    package var value: String

    package init(subject: String, object: String, value: String) {
      self.subject = subject
      self.object = object
      self.value = value
    }
  }

  /// `user:bob`, `everyone`, `key:SHA256:…`.
  package var subject: String
  /// `sudoers:/etc/sudoers.d/x`, `account:bob`; paths as seen from `--root`.
  package var object: String
  /// As in `Grant.right`.
  package var right: String
  /// What stands there, as its tool would print it, at most 4,096 bytes. A native expiry is no part
  /// of it: an entry that was given an end is still the same entry.
  package var value: String
  /// What the kind needs to put the entry back after it was taken out, at most 64 KiB; empty where
  /// subject, object and value say it all. No part of the entry's identity.
  package var detail: String

  package init(
    subject: String, object: String, right: String, value: String, detail: String = ""
  ) {
    self.subject = subject
    self.object = object
    self.right = right
    self.value = value
    self.detail = detail
  }

  package var key: Key { Key(subject: subject, object: object, value: value) }

  /// By subject, object and value.
  package func precedes(_ other: AccessEntry) -> Bool {
    (subject, object, value) < (other.subject, other.object, other.value)
  }
}

/// All entries of a kind at one moment.
package struct EntryState: Equatable, Sendable {
  package private(set) var entries: [AccessEntry.Key: AccessEntry] = [:]
  /// What could not be read, one line each, `context: object: reason`; what was known of these
  /// parts is in `entries` still.
  package var problems: [String] = []
  /// Those of `entries` that are there only because nobody can tell that they are not.
  package var presumed: Set<AccessEntry.Key> = []

  package init() {}

  package init(_ entries: some Sequence<AccessEntry>) {
    for entry in entries { insert(entry) }
  }

  package mutating func insert(_ entry: AccessEntry) { entries[entry.key] = entry }

  package mutating func remove(_ key: AccessEntry.Key) { entries[key] = nil }

  package subscript(key: AccessEntry.Key) -> AccessEntry? { entries[key] }

  package func contains(_ key: AccessEntry.Key) -> Bool { entries[key] != nil }

  package var count: Int { entries.count }

  /// Sorted by subject, object and value, so that all that follows from a state has one order.
  package var sorted: [AccessEntry] {
    entries.values.sorted { $0.precedes($1) }
  }
}

/// An entry that came, and the one in whose place it stands: `NOPASSWD` was added to a rule.
package struct EntryGain: Equatable, Sendable {
  package var entry: AccessEntry
  /// Nil when nothing of the kind was there before.
  package var former: AccessEntry?
  /// All that is new is that it ends later than `former` did: taken back is the later end alone.
  package var isLonger: Bool

  package init(_ entry: AccessEntry, former: AccessEntry? = nil, isLonger: Bool = false) {
    self.entry = entry
    self.former = former
    self.isLonger = isLonger
  }
}

/// When an entry ends by its own mechanism; a later end is the greater one.
package enum EntryEnd: Comparable, Sendable {
  case at(Timestamp)
  case never
}

/// An entry that goes on as another one: its account was renamed, or it stands in the place of one
/// that gave as much or more. A grant on the former one is not over.
package struct EntryMove: Equatable, Sendable {
  package var from: AccessEntry.Key
  package var to: AccessEntry.Key
  /// The new entry's detail; nil where what a grant knows of the former one still holds.
  package var detail: String?

  package init(from: AccessEntry.Key, to: AccessEntry.Key, detail: String? = nil) {
    self.from = from
    self.to = to
    self.detail = detail
  }
}

/// What differs between two states.
package struct EntryDifference: Equatable, Sendable {
  /// Sorted as `EntryState.sorted`.
  package var gained: [EntryGain]
  package var lost: [AccessEntry]
  /// Neither gained nor lost; grants on them go on under the new key.
  package var moved: [EntryMove]
  /// Entries that stay or move, and end later than they did. Sorted as `gained`.
  package var prolonged: [EntryGain]

  package init(
    gained: [EntryGain] = [], lost: [AccessEntry] = [], moved: [EntryMove] = [],
    prolonged: [EntryGain] = []
  ) {
    self.gained = gained
    self.lost = lost
    self.moved = moved
    self.prolonged = prolonged
  }
}
