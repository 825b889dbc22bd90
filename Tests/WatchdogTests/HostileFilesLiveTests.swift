import ByteText
import Glibc
import Scratch
import Testing

/// Ways by which access could outlive its time, or be taken that was never given.
extension EngineLiveTests {
  @Test func aCopyInThePlaceOfAWidenedFileDoesNotKeepWhatTheAgentGave() throws {
    let stage = try Stage { $0.file("root/srv/f", 0o640, text: "x\n") }
    try stage.start()
    try stage.agent("chmod 666 $D/f")
    let id = try #require(try stage.fileGrant()["id"].text)
    try stage.agent("cp -p $D/f $D/f.new; mv $D/f.new $D/f")
    _ = try stage.wait("a grant on the copy") {
      try stage.grants().contains {
        $0["id"].text != id && $0["object"].text?.hasPrefix("file:/srv/f") == true
      } ? true : nil
    }
    stage.pass(seconds: 3)
    stage.pass(seconds: 1800)
    _ = try stage.wait("the copy as narrow as the file was") {
      stage.mode("f") == 0o640 ? true : nil
    }
  }

  @Test func anEditThatReplacesAFileIsNotTakenBackToTheModeOfItsTemporaryFile() throws {
    let stage = try Stage { $0.file("root/srv/f", 0o644, text: "x\n") }
    try stage.start()
    // The agent lives long enough to be seen, whatever becomes of what it starts.
    try stage.agent(
      "sleep 0.3; for i in 1 2 3 4 5 6 7 8 9; do sed -i s/x/xx/ $D/f; done; chmod 666 $D/f")
    let last = try stage.grant("a grant") {
      $0["after"].text == "0666" && $0["provenance"].text == "agent-executed"
    }
    stage.pass(seconds: 3)
    stage.pass(seconds: 1800)
    try stage.becomes("ended", try #require(last["id"].text))
    #expect(stage.mode("f") == 0o644)
  }
}
