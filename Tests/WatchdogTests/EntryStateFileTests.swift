import Kinds
import LinuxKit
import Scratch
import Testing
import Watchdog

/// The states of kinds on the disk.
@Suite struct EntryStateFileTests {
  private func state(_ count: Int, detail: String = "") -> EntryState {
    EntryState(
      (0..<count).map {
        AccessEntry(
          subject: "user:u\($0)", object: "sudoers:/etc/x", right: "ALL", value: "v\\\\ \"\($0)\"",
          detail: detail)
      })
  }

  @Test func aStateThatIsLongIsReadAsItWasWritten() throws {
    let scratch = Scratch()
    let path = "\(scratch.path)/entries.json"
    for state in [
      state(0), state(1), state(3), state(600, detail: String(repeating: "x", count: 40_000)),
    ] {
      try EntryStateFile.save(state, to: path)
      #expect(EntryStateFile.load(path) == .state(state))
    }
  }

  @Test func anOlderFileOnOneLineIsRead() {
    let scratch = Scratch()
    scratch.file("e.json", 0o600, text: #"{"entries":[["s","o","r","v","d"]]}"#)
    #expect(
      EntryStateFile.load("\(scratch.path)/e.json")
        == .state(
          EntryState([AccessEntry(subject: "s", object: "o", right: "r", value: "v", detail: "d")]))
    )
  }

  @Test func aStateThatIsTooLongLeavesTheLastOne() throws {
    let scratch = Scratch()
    let path = "\(scratch.path)/entries.json"
    try EntryStateFile.save(state(2), to: path)
    #expect(throws: SystemError.self) {
      try EntryStateFile.save(state(100), to: path, longest: 1000)
    }
    #expect(EntryStateFile.load(path) == .state(state(2)))
  }

  @Test func whatCannotBeUsedIsNotMissing() throws {
    let scratch = Scratch()
    let path = "\(scratch.path)/entries.json"
    #expect(EntryStateFile.load(path) == .missing)
    try EntryStateFile.save(state(100), to: path)
    guard case .unusable = EntryStateFile.load(path, longest: 1000) else {
      Issue.record("too long")
      return
    }
    let whole = try SmallFile.read(path)
    for end in [whole.count - 3, whole.count / 2, 5] {
      try SmallFile.replace(path, with: Array(whole[..<end]))
      guard case .unusable = EntryStateFile.load(path) else {
        Issue.record("cut at \(end)")
        return
      }
    }
  }
}
