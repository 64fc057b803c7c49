//! Plots over two axes: lines, bars, intervals, drawn by plotters in the colours of the palette.
//!
//! Invariant: a range that would be empty is made one wide, so that drawing into memory cannot fail.
//! Shape: SVG in light colours; [`super::palette::by_name`] gives it those of a page.

use std::ops::Range;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, Circle, Color, IntoDrawingArea, IntoFont, LineSeries,
    PathElement, RGBColor, Rectangle, SVGBackend, ShapeStyle,
};

use super::palette::{self, Colour};

const SIZE: (u32, u32) = (620, 300);
const FONT: (&str, i32) = ("sans-serif", 14);
const CANNOT_FAIL: &str = "drawing into memory, with ranges that are not empty, cannot fail";

/// An axis: what it shows, and from where to where.
pub(super) struct Axis<'a> {
    /// What it shows, with its unit.
    pub(super) name: &'a str,
    /// From where to where.
    pub(super) range: Range<f64>,
    /// How a value is written.
    pub(super) written: &'a dyn Fn(&f64) -> String,
}

/// A mark on a plot; coordinates are those of the axes.
pub(super) enum Shape<'a> {
    /// A line through points.
    Line(&'a Colour, Vec<(f64, f64)>),
    /// A filled box between two corners, more or less see-through.
    Box(&'a Colour, f64, [(f64, f64); 2]),
    /// A value with the interval it lies in.
    Interval(&'a Colour, f64, f64, Range<f64>),
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws a plot.
pub(super) fn draw(x: &Axis<'_>, y: &Axis<'_>, shapes: &[Shape<'_>]) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&colour(&palette::PAPER)).expect(CANNOT_FAIL);
        let mut chart = ChartBuilder::on(&area)
            .margin(10)
            .margin_right(18)
            .x_label_area_size(46)
            .y_label_area_size(58)
            .build_cartesian_2d(wide(&x.range), wide(&y.range))
            .expect(CANNOT_FAIL);
        mesh(&mut chart, x, y);
        for shape in shapes {
            mark(&mut chart, shape);
        }
        area.present().expect(CANNOT_FAIL);
    }
    svg
}

fn mesh(chart: &mut Chart<'_, '_>, x: &Axis<'_>, y: &Axis<'_>) {
    let font = || FONT.into_font().color(&colour(&palette::MUTED));
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(1)
        .light_line_style(colour(&palette::PAPER))
        .bold_line_style(colour(&palette::LINE))
        .axis_style(colour(&palette::MUTED))
        .label_style(font())
        .axis_desc_style(font())
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|value| (x.written)(value))
        .y_label_formatter(&|value| (y.written)(value))
        .x_desc(x.name)
        .y_desc(y.name)
        .draw()
        .expect(CANNOT_FAIL);
}

fn mark(chart: &mut Chart<'_, '_>, shape: &Shape<'_>) {
    match shape {
        Shape::Line(of, points) => {
            let style = ShapeStyle::from(colour(of)).stroke_width(2);
            let line = LineSeries::new(points.iter().copied(), style);
            chart.draw_series(line).expect(CANNOT_FAIL);
        }
        Shape::Box(of, opacity, corners) => {
            let style = colour(of).mix(*opacity).filled();
            let filled = Rectangle::new(*corners, style);
            chart.draw_series([filled]).expect(CANNOT_FAIL);
        }
        Shape::Interval(of, x, value, interval) => {
            let style = ShapeStyle::from(colour(of)).stroke_width(2);
            let ends = vec![(*x, interval.start), (*x, interval.end)];
            let line = PathElement::new(ends, style);
            chart.draw_series([line]).expect(CANNOT_FAIL);
            let point = Circle::new((*x, *value), 5, colour(of).filled());
            chart.draw_series([point]).expect(CANNOT_FAIL);
        }
    }
}

fn wide(range: &Range<f64>) -> Range<f64> {
    if range.end > range.start {
        range.clone()
    } else {
        range.start..range.start + 1.0
    }
}

fn colour(of: &Colour) -> RGBColor {
    let (red, green, blue) = of.rgb();
    RGBColor(red, green, blue)
}

/// A whole number.
pub(super) fn whole(value: &f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        String::new()
    }
}

/// What has the value as its decimal logarithm, where that is whole.
pub(super) fn power(value: &f64) -> String {
    if value.fract() == 0.0 {
        short(&10_f64.powf(*value))
    } else {
        String::new()
    }
}

/// A number with as many places as it needs, up to three.
pub(super) fn short(value: &f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
