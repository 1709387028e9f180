//! Types that a program would read from these documents: not all that they hold, but what has a meaning.

#![allow(dead_code, reason = "read from a document, and dropped")]

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Statuses {
    pub(crate) statuses: Vec<Status>,
}

#[derive(Deserialize)]
pub(crate) struct Status {
    created_at: String,
    id: u64,
    text: String,
    source: String,
    in_reply_to_status_id: Option<u64>,
    in_reply_to_screen_name: Option<String>,
    user: User,
    retweeted_status: Option<Box<Status>>,
    retweet_count: u32,
    favorite_count: u32,
    entities: Entities,
    lang: String,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    name: String,
    screen_name: String,
    location: String,
    description: String,
    url: Option<String>,
    followers_count: u32,
    friends_count: u32,
    statuses_count: u32,
    created_at: String,
    verified: bool,
    lang: String,
    profile_image_url_https: String,
}

#[derive(Deserialize)]
struct Entities {
    hashtags: Vec<Hashtag>,
    urls: Vec<Url>,
    user_mentions: Vec<Mention>,
}

#[derive(Deserialize)]
struct Hashtag {
    text: String,
    indices: (u32, u32),
}

#[derive(Deserialize)]
struct Url {
    url: String,
    expanded_url: String,
    indices: (u32, u32),
}

#[derive(Deserialize)]
struct Mention {
    screen_name: String,
    id: u64,
    indices: (u32, u32),
}

#[derive(Deserialize)]
pub(crate) struct Performances {
    pub(crate) performances: Vec<Performance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Performance {
    id: u64,
    event_id: u64,
    name: Option<String>,
    logo: Option<String>,
    start: u64,
    venue_code: String,
    prices: Vec<Price>,
    seat_categories: Vec<SeatCategory>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Price {
    amount: u32,
    audience_sub_category_id: u64,
    seat_category_id: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeatCategory {
    seat_category_id: u64,
    areas: Vec<Area>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Area {
    area_id: u64,
    block_ids: Vec<u64>,
}

pub(crate) type Ring = Vec<(f64, f64)>;

#[derive(Deserialize)]
pub(crate) struct Coast {
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    geometry: Geometry,
}

#[derive(Deserialize)]
struct Geometry {
    coordinates: Vec<Ring>,
}

impl Coast {
    pub(crate) fn rings(&self) -> usize {
        self.features.iter().map(|feature| feature.geometry.coordinates.len()).sum()
    }
}

pub(crate) type Events = Vec<Event>;

#[derive(Deserialize)]
pub(crate) struct Event {
    id: String,
    r#type: String,
    created_at: String,
    public: bool,
    actor: Actor,
    repo: Repository,
}

#[derive(Deserialize)]
struct Actor {
    id: u64,
    login: String,
    url: String,
    avatar_url: String,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    name: String,
    url: String,
}
