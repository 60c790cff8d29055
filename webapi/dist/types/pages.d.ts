export interface PageViewOptions {
    /** Whether every change of the hash is a page. By default only routes are: `#/agenda`, `#!agenda`. */
    anyHash?: boolean;
}
/** Records a page view now and whenever another page is shown. Calling it again changes nothing. */
export declare function trackPageViews({ anyHash }?: PageViewOptions): void;
