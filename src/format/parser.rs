//! The parts of a format's parsers that do not depend on the format.

/// Declares the parser of a format in one engine, from its grammar:
///
/// ```text
/// parser! {
///     /// The quoted string as an explicit state machine.
///     pub struct Machine(machine, State) for Quoted;
/// }
/// ```
///
/// The grammar is a [`Machine`](crate::engine::machine::Machine) with a `Default` for `machine`, and a
/// function for the other engines. The macro adds the constructors, `Default`, `PushParser`, the
/// sinks without the `Send` bound where the engine has them, and `Work` for the harness.
macro_rules! parser {
    ($(#[$doc:meta])* pub struct $name:ident(machine, $state:ty) for $events:ty;) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name($crate::engine::machine::Parser<$state>);

        impl $name {
            /// Creates a parser at the start of a value.
            pub fn new() -> Self {
                Self($crate::engine::machine::Parser::new(<$state>::default()))
            }
        }

        $crate::format::parser! { @local $name, $events }
        $crate::format::parser! { @common $name, $events }
    };

    ($(#[$doc:meta])* pub struct $name:ident(coroutine, $body:path) for $events:ty;) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name($crate::engine::coroutine::Parser<$events>);

        impl $name {
            /// Creates a parser at the start of a value.
            ///
            /// # Panics
            /// If no stack can be allocated; [`try_new`](Self::try_new) returns that error.
            pub fn new() -> Self {
                Self($crate::engine::coroutine::Parser::new($body))
            }

            /// Creates a parser at the start of a value.
            ///
            /// # Errors
            /// If no stack can be allocated.
            pub fn try_new() -> std::io::Result<Self> {
                Self::with_options($crate::engine::coroutine::Options::new())
            }

            /// Creates a parser at the start of a value, on a stack with these options.
            ///
            /// # Errors
            /// If no stack can be allocated.
            pub fn with_options(
                options: $crate::engine::coroutine::Options,
            ) -> std::io::Result<Self> {
                options.parser($body).map(Self)
            }
        }

        $crate::format::parser! { @local $name, $events }
        $crate::format::parser! { @common $name, $events }
    };

    ($(#[$doc:meta])* pub struct $name:ident(stackless, $body:path) for $events:ty;) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(
            $crate::engine::stackless::Boxed<$events>,
        );

        impl $name {
            /// Creates a parser at the start of a value.
            pub fn new() -> Self {
                Self($crate::engine::stackless::Parser::new($body).erase())
            }
        }

        $crate::format::parser! { @common $name, $events }
    };

    ($(#[$doc:meta])* pub struct $name:ident(generator, $body:path) for $events:ty;) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name($crate::engine::generator::Parser<$events>);

        impl $name {
            /// Creates a parser at the start of a value.
            pub fn new() -> Self {
                Self($crate::engine::generator::Parser::new($body))
            }
        }

        $crate::format::parser! { @common $name, $events }
    };

    ($(#[$doc:meta])* pub struct $name:ident(combinator, $body:path) for $events:ty;) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(
            $crate::engine::combinator::Parser<
                for<'i, 'e, 's> fn(
                    &'i [u8],
                    &'e $crate::engine::combinator::Emit<'s, $events>,
                ) -> nom::IResult<&'i [u8], ()>,
                $events,
                (),
            >,
        );

        impl $name {
            /// Creates a parser at the start of a value.
            pub fn new() -> Self {
                Self($crate::engine::combinator::Parser::new($body))
            }

            /// Creates a parser at the start of a value of at most `max_len` bytes.
            pub fn with_max_len(max_len: usize) -> Self {
                Self($crate::engine::combinator::Parser::with_max_len(max_len, $body))
            }
        }

        $crate::format::parser! { @local $name, $events }
        $crate::format::parser! { @common $name, $events }
    };

    (@local $name:ident, $events:ty) => {
        impl $name {
            /// [`PushParser::feed_with`](crate::PushParser::feed_with) for sinks that stay on this
            /// thread.
            pub fn feed_local(
                &mut self,
                chunk: &[u8],
                sink: impl for<'e> FnMut(<$events as $crate::Events>::Event<'e>),
            ) -> $crate::Progress {
                self.0.feed_local(chunk, sink)
            }

            /// [`PushParser::finish_with`](crate::PushParser::finish_with) for sinks that stay on this
            /// thread.
            ///
            /// # Errors
            /// As [`PushParser::finish`](crate::PushParser::finish).
            pub fn finish_local(
                &mut self,
                sink: impl for<'e> FnMut(<$events as $crate::Events>::Event<'e>),
            ) -> Result<(), $crate::Error> {
                self.0.finish_local(sink)
            }
        }

        impl $crate::LocalParser for $name {
            $crate::parser::local_parser!(self => self.0);
        }
    };

    (@common $name:ident, $events:ty) => {
        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $crate::PushParser for $name {
            type Events = $events;
            type Output = ();
            $crate::parser::delegate!(self => self.0);
        }

        #[cfg(feature = "testing")]
        impl $crate::testing::Work for $name {
            fn work(&self) -> u64 {
                $crate::testing::Work::work(&self.0)
            }
        }
    };
}
pub(crate) use parser;
