import LinuxKit
import Testing

@Suite struct JournalCursorTests {
  @Test("A cursor's own clocks are those of sd_journal_get_cursor(3)")
  func clocks() {
    let cursor = JournalCursor(
      "s=0639b7cb7a8b4c7e8e27e9cf1b0b3e9b;i=1a;b=4ab3aafe7f1f4a3b95d1a1fa0a0b0c0d;m=5dc8a9b;"
        + "t=64f2ad3f5b7c1;x=9ae1f6d4a24e5a60")
    #expect(cursor.monotonic == 0x5dc8a9b)
    #expect(cursor.realtime == 0x64f2a_d3f5_b7c1)
  }

  @Test(
    "What is no such cursor has no clocks",
    arguments: [
      "", "t", "t=", "t=0", "t=xyz", "t=12345678901234567", "t=ffffffffffffffff", ";;;",
      "s=;=;tt=1",
      "é;m=;", "m", "nonsense",
    ])
  func otherForms(text: String) {
    let cursor = JournalCursor(text)
    #expect(cursor.text == text)
    #expect(cursor.realtime == nil)
    #expect(cursor.monotonic == nil)
  }
}
