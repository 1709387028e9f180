//! smoke
use pushdown::{PushParser, Status, quoted};
fn go<P: PushParser<Events = quoted::Quoted>>(name: &str, make: impl Fn() -> P) {
    let input = br#""say \"h\\i\" \x" tail"#;
    for cut in 0..=input.len() {
        let mut p = make();
        let mut text = Vec::new();
        let mut consumed = 0;
        let mut st = Status::NeedMoreInput;
        for c in [&input[..cut], &input[cut..]] {
            let pr = p.feed_with(c, |quoted::Event::Text(t)| text.extend_from_slice(t));
            consumed += pr.consumed;
            st = pr.status;
        }
        assert_eq!(
            (name, cut, st, consumed, &text[..]),
            (
                name,
                cut,
                Status::Success,
                input.len() - 5,
                &br#"say "h\i" x"#[..]
            )
        );
        let mut p = make();
        for c in [&input[..cut], &input[cut..]] {
            let _ = p.feed(c);
        }
        assert_eq!(
            (name, cut, p.status(), p.offset()),
            (name, cut, Status::Success, input.len() as u64 - 5)
        );
        let mut p = make();
        let _ = p.feed(&input[..cut]);
        println!("{name} {cut} {:?}", p.finish());
        p.reset();
        let _ = p.feed(&input[..cut]);
        p.reset();
        let _ = p.feed(b"\"");
        let _ = p.feed(b"\"");
        assert_eq!(p.offset(), 2, "{name} {cut}");
        p.reset();
        assert_eq!(p.feed(b"\"\"x").consumed, 2);
        p.reset();
        assert_eq!(p.feed(b"x\"\"x").status, Status::BadInput);
    }
    let mut p = make();
    let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        p.feed_with(b"\"abc\"", |_| panic!("sink"))
    }));
    assert!(r.is_err());
    println!("{:?}", p.error());
    p.reset();
    assert_eq!(p.feed(b"\"\"x").consumed, 2);
}
#[test]
fn smoke() {
    go("machine", quoted::Machine::new);
    go("coroutine", quoted::Coroutine::new);
    go("generator", quoted::Generator::new);
    go("stackless", quoted::Stackless::new);
    go("combinator", quoted::Combinator::new);
}
