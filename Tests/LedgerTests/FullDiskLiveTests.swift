import Glibc
import Ledger
import LinuxKit
import Testing

@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct FullDiskLiveTests {
  /// Runs `body` on a mounted tmpfs of `size` bytes.
  private func onSmallDisk(_ size: Int, _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/grantwatch-disk.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { rmdir(path) }
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(size)") == 0 else {
      throw SystemError.last("mount", path)
    }
    defer { umount2(path, 2) }
    try body(path)
  }

  /// Fills the disk to the last byte.
  private func fill(_ path: String) {
    let file = Glibc.open(path + "/filling", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    for size in [1 << 16, 4096, 1] {
      let bytes = [UInt8](repeating: 1, count: size)
      while write(file, bytes, size) > 0 {}
    }
    close(file)
  }

  @Test("A full disk: essential records are written, ordinary ones wait; nothing is lost or torn")
  func full() throws {
    try onSmallDisk(4 << 20) { disk in
      let state = try ScratchState(below: disk)
      let (ledger, _) = try state.open()
      ledger.note("n1")
      try ledger.commit()
      fill(disk)
      var ordinary = 1
      while !ledger.isDiskFull, ordinary < 1000 {
        ordinary += 1
        ledger.note("n\(ordinary)")
      }
      try ledger.commit()
      #expect(ledger.unwritten == 1)
      var essential = 0
      while essential < 100 {
        essential += 1
        #expect(ledger.note("e\(essential)", essential: true) > 0)
        try ledger.commit()
      }
      #expect(state.verify().ok)
      // More than the reserve can hold: commit says so, and the record stays whole.
      while essential < 2000 {
        essential += 1
        ledger.note("e\(essential)", essential: true)
        do throws(LedgerError) {
          try ledger.commit()
        } catch {
          #expect(error.isDiskFull)
          break
        }
      }
      #expect(essential < 2000)
      let written = ledger.records
      let verified = state.verify()
      #expect(verified.records == written)
      unlink(disk + "/filling")
      try ledger.commit()
      #expect(ledger.unwritten == 0)
      #expect(!ledger.isDiskFull)
      #expect(state.verify().ok, "\(state.verify().problems)")
      let (_, recovery) = try state.open()
      let texts = try ScratchState.texts(recovery)
      #expect(
        texts
          == (1..<ordinary).map { "n\($0)" } + (1...essential).map { "e\($0)" } + ["n\(ordinary)"])
    }
  }

  @Test("A start on a full disk works, a torn tail included")
  func startOnFullDisk() throws {
    try onSmallDisk(1 << 20) { disk in
      let state = try ScratchState(below: disk)
      do {
        let (ledger, _) = try state.open()
        for index in 1...5 { ledger.note("n\(index)") }
        try ledger.commit()
      }
      let first = "ledger/00000000000000000001.jsonl"
      let bytes = try state.read(first)
      try state.write(first, Array(bytes.dropLast(30)))
      fill(disk)
      let (ledger, recovery) = try state.open()
      #expect(try ScratchState.texts(recovery) == (1...4).map { "n\($0)" })
      #expect(recovery.damage.map(\.isTornTail) == [true])
      #expect(ledger.isDiskFull)
      unlink(disk + "/filling")
      ledger.note("n5")
      try ledger.commit()
      #expect(state.verify().ok)
    }
  }
}
